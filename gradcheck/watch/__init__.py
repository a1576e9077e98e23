"""Watches a PyTorch script from inside: the only package that imports torch."""
