"""Measures what a finite explosion shows inside: which layer grew first, and how long updates are."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck.model import Observation
from gradcheck.watch.probe import Probe
from gradcheck.watch.snapshot import Snapshots


def observations(probe: Probe, snapshots: Snapshots) -> Iterator[Observation]:
    """What the recorded steps say of how the gradients grew."""
    yield from ()
