"""Measures gradcheck on the fault suite, and fits its weights there: python -m tests.evaluation."""
