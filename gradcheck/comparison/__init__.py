"""Compares a run with known good runs: what is worse than their own noise can explain."""
