"""A first loss that is out of all proportion, before any update could have spoilt anything."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import stretch_event
from gradcheck.measure.start import EARLY_ROWS, HUGE_LOSS, HUGE_NORM
from gradcheck.model import Event, Kind, Role, Run, Series, Severity

LEAST_ROWS = 40
LEARNED, CORRECTED = 3.0, 30.0
"""Fall of a loss that is learned, and of a gradient whose cause was corrected."""


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
    if broken or (_has_huge_norm(run) and not _is_a_unit(run, loss)):
        yield stretch_event(Kind.LOSS_SPIKE, Severity.WARNING, loss, (0, 0), recovered=False)


def _is_the_start(loss: Series) -> bool:
    return len(loss) < 2 or loss.step[0] <= 10 * max(1, int(np.median(np.diff(loss.step))))


def _is_a_unit(run: Run, loss: Series) -> bool:
    """Whether the loss fell as a loss does, and its gradients stay as large as they began.

    Weights or inputs that are out of size are corrected within a few updates, and the gradient is
    small afterwards; squares of prices, or sums over a batch, have large ones all along.
    """
    norm = run.get(Role.GRAD_NORM)
    if norm is None or len(norm) < LEAST_ROWS or len(loss) < LEAST_ROWS:
        return False
    late = slice(-len(loss) // 4, None), slice(-len(norm) // 4, None)
    if not (np.isfinite(loss.value).all() and np.isfinite(norm.value).all()):
        return False
    fell = float(np.median(loss.value[late[0]])) < float(loss.value[0]) / LEARNED
    return fell and float(np.median(norm.value[late[1]])) > float(norm.value[0]) / CORRECTED


def _has_huge_norm(run: Run) -> bool:
    norm = run.get(Role.GRAD_NORM)
    return norm is not None and len(norm) > 0 and bool(norm.value[0] >= HUGE_NORM)
