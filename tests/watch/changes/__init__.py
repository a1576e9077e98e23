"""Tests of the changes that trials make."""
