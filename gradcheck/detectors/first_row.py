"""A first loss that is out of all proportion, before any update could have spoilt anything."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import stretch_event
from gradcheck.measure.start import EARLY_ROWS, HUGE_LOSS, HUGE_NORM
from gradcheck.model import Event, Kind, Role, Run, Series, Severity


def detect(run: Run) -> Iterator[Event]:
    """At most one event, when the first gradient is huge too or the run breaks at once.

    A loss that is merely measured in large units (a sum over pixels) has neither.
    """
    loss = run.get(Role.LOSS)
    if loss is None or not len(loss) or run.unit == "epoch" or not _is_the_start(loss):
        return
    first = float(loss.value[0])
    if not np.isfinite(first) or first < HUGE_LOSS:
        return
    broken = not np.isfinite(loss.value[:EARLY_ROWS]).all()
    if broken or _has_huge_norm(run):
        yield stretch_event(Kind.LOSS_SPIKE, Severity.WARNING, loss, (0, 0), recovered=False)


def _is_the_start(loss: Series) -> bool:
    return len(loss) < 2 or loss.step[0] <= 10 * max(1, int(np.median(np.diff(loss.step))))


def _has_huge_norm(run: Run) -> bool:
    norm = run.get(Role.GRAD_NORM)
    return norm is not None and len(norm) > 0 and bool(norm.value[0] >= HUGE_NORM)
