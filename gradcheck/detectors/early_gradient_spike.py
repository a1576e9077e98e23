"""A gradient norm that jumps in the first steps, before its noise is known: asked for by tests.

The other detectors judge a row by the noise of those before it, and trust none before row 8. A
test of five steps is over by then. Where the settings of a log hold `gradcheck_spike_ratio`, as
those of a watched test do, a norm among the first rows is a spike if it is

- more than that many times the median of the other rows: one number that the user chose, since
  so few rows tell nothing of noise; a rise that most of them share is a new level, and no spike;
- more than that many times one of the rows before it: a first gradient that is large, and then
  falls as training sets in, is no spike;
- not below a thousandth of the largest: what is left of a gradient that training brought to 0.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.baseline import MIN_HISTORY
from gradcheck.measure.events import stretch_event
from gradcheck.measure.layers import norms_by_optimizer
from gradcheck.measure.stretches import BoolArray, stretches
from gradcheck.model import Event, FloatArray, Kind, Role, Run, Series, Severity

SETTING = "gradcheck_spike_ratio"
FIRST_ROWS = 2 * MIN_HISTORY
"""From here on noise is known well enough for the detector of spikes."""
LEAST_OTHERS = 2
NEGLIGIBLE = 1e-3


def detect(run: Run) -> Iterator[Event]:
    """One event for each stretch of rows, in every optimizer's gradient norm."""
    ratio = run.hparams.get(SETTING)
    if not isinstance(ratio, int | float) or not ratio > 1:
        return
    for norm in norms(run):
        yield from _spikes(norm, float(ratio))


def norms(run: Run) -> list[Series]:
    """The gradient norm of each optimizer: a record of several gives them names of their own."""
    return norms_by_optimizer(run) or run.every(Role.GRAD_NORM)


def _spikes(norm: Series, ratio: float) -> Iterator[Event]:
    values = norm.value[:FIRST_ROWS]
    for first, last in stretches(rises(values, ratio), join=1):
        after = values[last + 1 :]
        back = bool(len(after)) and bool(np.isfinite(after).all())
        yield stretch_event(
            Kind.GRADIENT_SPIKE, Severity.SPIKE, norm, (first, last), recovered=back
        )


def rises(values: FloatArray, ratio: float) -> BoolArray:
    """Which values stand out of the others by more than `ratio`, and rose to it."""
    mask = np.zeros(len(values), dtype=bool)
    finite = np.flatnonzero(np.isfinite(values))
    if len(finite) <= LEAST_OTHERS:
        return mask
    known = values[finite]
    for place in range(1, len(finite)):
        value, others = known[place], np.delete(known, place)
        bar = ratio * max(float(np.median(others)), float(known[:place].min()))
        mask[finite[place]] = value > bar > 0 and value > NEGLIGIBLE * known.max()
    return mask
