"""Small scripts that leave logs on disk with the real writers, and the truth of what they logged.

`python -m tests.written.NAME OUT_DIR` fills one directory for each case below OUT_DIR and writes
OUT_DIR/truth.json, taken from what the writer was given and not from what it wrote. The layouts of
writers that the tests do not install are written by hand: the docstring of their script says so.
"""
