"""The fault suite: small real trainings that fail in one known way, or are odd and healthy.

`recipes/` holds the mechanisms, one function each, with the truth that holds by construction.
`tasks.py` and `training.py` are what varies around them, `presentation.py` and `writers.py` how
their logs look. `python -m tests.faults` builds the runs into .faults/.
"""
