"""Changes to a running script, one a file: each applies itself, and prints itself as advice."""
