"""Saves the failing step of a run, and begins another run with it."""
