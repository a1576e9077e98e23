"""Measurements that detectors, clues and causes share; each looks back only."""
