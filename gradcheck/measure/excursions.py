"""Stretches of a series that leave its own noise upwards: where they begin, peak and end."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gradcheck.measure.baseline import (
    MIN_HISTORY,
    SIGMA_PER_MAD,
    WINDOW,
    Baseline,
    baseline,
    trailing_median,
)
from gradcheck.measure.periods import common_period
from gradcheck.model import FloatArray, IntArray

AFTERSHOCK = 10
"""Rows after an excursion that ring with it and say nothing about what is usual."""
RECENT = 15
"""Rows whose own values a spike must exceed: a return from a dip to 0 is none."""
HISTORY = 500
"""Rows of the run's own past whose largest residual sets what is usual."""
MOST_ROWS = 4 * WINDOW
"""Rows after which what is still up is the new normal."""

TOWERS = np.log(100.0)
"""Height in logarithms of a row that needs no measure of noise."""
HINDSIGHT = 2 * MIN_HISTORY
"""Rows after which the first ones are judged, once and for all."""
LEAST_BEFORE = 2
"""Rows before it: a loss that starts high and falls is no spike."""

RHYTHM_SIGMAS, BEATS, MOST_BEATS = 5.0, 5, 0.7
"""Height over the noise, how many rows make a rhythm, and the share of its beats that they hit."""


@dataclass(frozen=True)
class Sensitivity:
    """How far above its own past a row must lie to begin an excursion."""

    sigmas: float
    """Residual over the robust noise."""
    over_largest: float
    """Residual over the largest one of the past rows that were no excursion.

    In logarithms a power-law tail is exponential, and twice the largest of n such residuals is
    exceeded with probability n⁻² a row: heavy-tailed but healthy gradient norms stay quiet.
    """
    least_log: float
    """Smallest residual in logarithms that is worth a word."""
    least_share: float
    """The same where values are not positive, as a share of the range seen so far."""


LOSS = Sensitivity(sigmas=8.0, over_largest=2.0, least_log=np.log(1.3), least_share=0.15)
GRADIENT = Sensitivity(sigmas=7.0, over_largest=2.0, least_log=np.log(4.0), least_share=0.3)
NOISY = Sensitivity(sigmas=30.0, over_largest=6.0, least_log=np.log(30.0), least_share=3.0)


@dataclass(frozen=True)
class Excursion:
    """Rows [first, last] above the noise; `recovered` where the series came back afterwards."""

    first: int
    last: int
    peak: int
    recovered: bool
    height: float
    """Residual of the peak, in the domain of the baseline."""
    centre: float
    """The usual value before it, in the series' own unit."""
    sigmas: float


def excursions(values: FloatArray, sensitivity: Sensitivity) -> list[Excursion]:
    """Find the upward excursions of finite `values`, each judged by the rows before it."""
    base = baseline(values)
    found = _early(values)
    usual = np.ones(len(values), dtype=bool)
    usual[[excursion.first for excursion in found]] = False
    resume_at = 0
    for row in _candidates(base, values, sensitivity):
        if not _is_unusual(int(row), base, usual, sensitivity):
            continue
        usual[row] = False
        if row < resume_at:
            continue
        excursion = _follow(int(row), base, values)
        usual[excursion.first : excursion.last + 1 + AFTERSHOCK] = False
        resume_at = excursion.last + 1
        found.append(excursion)
    return found


def _early(values: FloatArray) -> list[Excursion]:
    """Single rows among the first, before noise is known, that tower over all others around them.

    Judged by hindsight: the rows before one are too few, those after it lie where they lay.
    """
    near = values[:HINDSIGHT]
    if len(near) < HINDSIGHT or bool((near <= 0).any()):
        return []
    logs = np.log(near)
    towers = logs > np.percentile(logs, 75) + TOWERS
    rows = np.flatnonzero(towers[:MIN_HISTORY])
    highest = float(logs[~towers].max())
    alone = [
        row for row in rows if row >= LEAST_BEFORE and not towers[row - 1] and not towers[row + 1]
    ]
    if len(rows) != len(alone) or any(logs[row] < highest + TOWERS for row in alone):
        return []  # a start that is high, or a noise without measure
    level = float(np.median(logs[~towers]))
    return [
        Excursion(row, row, row, True, float(logs[row]) - level, float(np.exp(level)), math.inf)
        for row in map(int, alone)
    ]


def rhythmic(values: FloatArray, least: float) -> list[Excursion]:
    """Single rows that stand out at one fixed distance, too often to be more than the run's noise.

    Chance does not keep time: `least`, their height in logarithms over the rows before, may be low.
    """
    base = baseline(values)
    if not bool(base.logarithmic.all()):
        return []
    with np.errstate(invalid="ignore"):
        out = base.residual > np.maximum(least, RHYTHM_SIGMAS * base.scale)
    rows = np.flatnonzero(out)
    rows = rows[np.diff(rows, prepend=-2) > 1]
    if len(rows) < BEATS:
        return []
    period = common_period(rows.astype(np.int64), 1)
    if period is None or len(rows) < MOST_BEATS * (rows[-1] - rows[0]) / period:
        return []
    return [_follow(int(row), base, values) for row in rows]


def _candidates(base: Baseline, values: FloatArray, sensitivity: Sensitivity) -> IntArray:
    rows = np.arange(len(values))
    # few rows say little about noise: ask more of a row the shorter its past
    sigmas = sensitivity.sigmas * (1.0 + MIN_HISTORY / np.maximum(rows, 1))
    seen = np.maximum.accumulate(values) - np.minimum.accumulate(values) if len(values) else values
    before = np.concatenate([[0.0], seen[:-1]]) if len(values) else values
    least = np.where(base.logarithmic, sensitivity.least_log, sensitivity.least_share * before)
    residual = base.residual
    with np.errstate(invalid="ignore"):
        chosen = (residual > sigmas * base.scale) & (residual > least) & (rows >= MIN_HISTORY)
    return np.flatnonzero(chosen).astype(np.int64)


def _is_unusual(
    row: int, base: Baseline, usual: np.ndarray[tuple[int], np.dtype[np.bool_]], s: Sensitivity
) -> bool:
    first = max(MIN_HISTORY, row - HISTORY)
    past = base.residual[first:row][usual[first:row]]
    largest = float(past.max()) if len(past) else 0.0
    recent = base.value[max(0, row - RECENT) : row][usual[max(0, row - RECENT) : row]]
    highest = float(recent.max()) if len(recent) else -np.inf
    residual = float(base.residual[row])
    # the largest of few rows is no measure of what is usual
    least = s.over_largest * (1.0 + MIN_HISTORY / row) * largest
    return residual > least and float(base.value[row]) > highest


def _follow(row: int, base: Baseline, values: FloatArray) -> Excursion:
    """Walk on from the first row until the series is back near the level it left."""
    centre, scale = float(base.centre[row]), float(base.scale[row])
    # one row more than an excursion may have: whether the series is back there
    after = values[row : row + MOST_ROWS + 1]
    if base.logarithmic[row]:
        # zeros and below, which may come later, are simply far down
        after = np.log(np.maximum(after, float(np.exp(centre)) * 1e-12))
    height = after - centre
    peak_so_far = np.maximum.accumulate(height)
    back = np.flatnonzero(height <= np.maximum(4.0 * scale, 0.15 * peak_so_far))
    end = int(back[0]) if len(back) else len(height)
    absorbed = min(end, MOST_ROWS)
    peak = row + int(np.argmax(height[:absorbed]))
    level = float(np.exp(base.centre[row])) if base.logarithmic[row] else float(base.centre[row])
    residual = float(base.residual[row : row + absorbed].max())
    return Excursion(
        first=row,
        last=row + absorbed - 1,
        peak=peak,
        recovered=end < len(height) and end == absorbed,
        height=residual,
        centre=level,
        sigmas=residual / scale if scale > 0 else float("inf"),
    )


SHIFT_ROWS = 12
"""Rows whose median is compared with that of as many rows before."""
SHIFT_SIGMAS = 6.0
ABRUPT = 0.5
"""Share of the shift that its first two rows make."""


def level_shifts(values: FloatArray, least: float) -> list[Excursion]:
    """Rises of the level from one row to the next that single noisy rows would not show.

    `values` are finite and positive; `least` is the smallest rise in logarithms. Damage that is
    worked off over hundreds of rows is no excursion: it lasts, and each of its rows is within the
    noise of a single row.
    """
    if len(values) < 3 * SHIFT_ROWS or bool((values <= 0).any()):
        return []
    logs = np.log(values)
    medians = np.median(np.lib.stride_tricks.sliding_window_view(logs, SHIFT_ROWS), axis=1)
    rows = np.arange(SHIFT_ROWS, len(logs) - SHIFT_ROWS + 1)
    rise = medians[rows] - medians[rows - SHIFT_ROWS]
    steps = np.abs(np.diff(logs))
    noise = trailing_median(steps, WINDOW)[rows - 2] * SIGMA_PER_MAD / np.sqrt(2)
    doubt = SHIFT_SIGMAS * noise * 1.25 * np.sqrt(2.0 / SHIFT_ROWS)
    soon = np.median(np.stack([logs[rows + i] for i in range(2)]), axis=0)
    just_before = np.mean(np.stack([logs[rows - i] for i in (1, 2, 3)]), axis=0)
    # half way up from the level before is every ramp; a step is up from the last rows, too
    left = np.maximum(medians[rows - SHIFT_ROWS], just_before)
    abrupt = soon - left > ABRUPT * rise
    found: list[Excursion] = []
    for row in rows[(rise > np.maximum(doubt, least)) & abrupt]:
        if (not found or row > found[-1].last) and _is_apart(logs, int(row)):
            before = float(medians[row - SHIFT_ROWS])
            found.append(_shift(int(row), before, float(medians[row]), logs))
    return found


def _is_apart(logs: FloatArray, row: int) -> bool:
    """Whether the rows after lie above those before, not only their medians: two modes mix them."""
    before, after = logs[row - SHIFT_ROWS : row], logs[row : row + SHIFT_ROWS]
    rise = float(np.median(after) - np.median(before))
    gap = float(np.percentile(after, 25) - np.percentile(before, 75))
    return gap > 0.25 * rise


def _shift(row: int, before: float, after: float, logs: FloatArray) -> Excursion:
    if logs[row] <= before + ABRUPT * (after - before):
        row += 1  # the second of the first two rows made the step
    levels = logs[row:]
    back = np.flatnonzero(levels <= before + 0.15 * (after - before))
    end = int(back[0]) if len(back) else len(levels)
    last = min(row + max(end, SHIFT_ROWS), len(logs)) - 1
    return Excursion(
        first=row,
        last=last,
        peak=row + int(np.argmax(levels[: min(end, MOST_ROWS) or 1])),
        recovered=end < len(levels),
        height=after - before,
        centre=float(np.exp(before)),
        sigmas=float("inf"),
    )
