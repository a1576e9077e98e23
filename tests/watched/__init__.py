"""The measured scripts and their harness."""
