"""A gradient norm that ends many times above its usual level while the loss may still look fine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.climbs import climb
from gradcheck.measure.events import stretch_event
from gradcheck.model import Event, Kind, Role, Run, Severity

LEAST_GROWTH = 6.0


def detect(run: Run) -> Iterator[Event]:
    """At most one event, a warning by itself: scale-invariant networks train on with huge norms."""
    norm = run.get(Role.GRAD_NORM)
    if norm is None:
        return
    rows = np.flatnonzero(np.isfinite(norm.value) & (norm.value > 0))
    into_nonfinite = len(rows) > 0 and rows[-1] + 1 < len(norm)
    if not len(rows):
        return
    # how low a norm ever got says nothing: it is measured from its usual or its first size
    values = norm.value[rows]
    usual = min(float(np.median(values)), 3.0 * float(values[:3].min()))
    risen = climb(np.maximum(values, usual), into_nonfinite=into_nonfinite, from_start=False)
    if risen is None or not risen.ratio >= LEAST_GROWTH:
        return
    yield stretch_event(
        Kind.DIVERGENCE,
        Severity.WARNING,
        norm,
        (int(rows[min(risen.first, len(rows) - 1)]), int(rows[-1])),
        recovered=False,
    )
