"""Whether a series that should fall ends far above the best level it had reached."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gradcheck.measure.baseline import SIGMA_PER_MAD
from gradcheck.measure.robust import noise
from gradcheck.model import FloatArray

LEAST_NOISE = 0.02
"""Relative noise below which differences between levels are not taken seriously."""
LEAST_SIGMAS = 5.0
SUSTAINED = 0.8
"""Share of the last rows that must lie above the level that was left."""
BLOW_UP_SIGMAS = 6.0
BLOW_UP = np.log(5.0)
EARLY_ROWS = 20
FEW_ROWS = 8
LEAST_FOR_LEVELS = 30
FIRST_ROWS = 5
UNKNOWN_NOISE = 0.1
"""Relative noise assumed where the rise begins with the run: its own rows rise."""
DECAYS = 1 - np.geomspace(0.2, 0.004, 60)
"""Decays of a running mean whose first value is at most a fifth of its level."""
UNEXPLAINED = 0.4
"""Share of the first rows' range (in logs) that may remain without the bias of a running mean."""
UNBIASED = 0.02
SECOND, THIRD = 1.3, 1.5
"""The next rows over the first one, of a running mean that has seen nothing before: each adds one
more loss to it."""
MOST_AS_LONG = 3
"""How many times as long as any stretch before it a stay is that is no longer one of several."""
ONE_JUMP = 0.3
"""Share of a blow-up that its largest single row makes."""
NOT_LEARNED = 0.05
"""Fall below the first value, in logarithms, that would count as learning."""


@dataclass(frozen=True)
class Climb:
    """A rise from the level at row `first` - 1 to the end of the series."""

    first: int
    best: float
    """The lowest level before it, in the series' own unit."""
    end: float
    regained: float
    """The rise as a share of all the progress that had been made, 1 where it was all lost."""
    ratio: float
    """End over best; where values are not all positive, the rise over their usual early size."""


def climb(values: FloatArray, *, into_nonfinite: bool, from_start: bool = True) -> Climb | None:
    """Find the rise that `values` (finite) end with, None where they end near their best.

    `into_nonfinite` says that the next row is NaN or infinite, so that the last two rows are the
    way there; otherwise the end is what the last rows share, one spike is none. `from_start` also
    takes the very first value as a level that must be kept.
    """
    skipped = _warm_in(values) if from_start else 0
    found = _climb(values[skipped:], into_nonfinite, from_start)
    return replace(found, first=found.first + skipped) if found else None


def _climb(values: FloatArray, into_nonfinite: bool, from_start: bool) -> Climb | None:
    if len(values) < (3 if into_nonfinite else 5):
        return None
    positive = bool((values > 0).all())
    domain = np.log(values) if positive else values
    if from_start and positive and not into_nonfinite and _blew_up_at_once(domain):
        return _blow_up(domain)
    tail = 2 if into_nonfinite else int(np.clip(len(values) // 20, 3, 20))
    end = float(np.median(domain[-tail:]))
    from_low = int(np.argmin(domain[:-tail])) < FEW_ROWS
    few = into_nonfinite or from_low or len(domain) < LEAST_FOR_LEVELS
    least = 1 if few else FIRST_ROWS
    width, levels = _levels(domain[:-tail], least, keep_first=into_nonfinite or not from_start)
    best_row = int(np.argmin(levels))
    best = float(levels[best_row])
    unit = _noise_near(domain, best_row, positive)
    regained = _regained(values, best_row, best, end, positive)
    doubt = _doubt(unit, min(width, FIRST_ROWS) if best_row == 0 else width, tail)
    if end - best <= doubt or regained < _enough(positive, end - best, into_nonfinite):
        return None
    ceiling = best + _leeway(unit, end - best, positive, early=best_row < FEW_ROWS)
    first = _departure(domain[:-1], best_row, ceiling)
    if not into_nonfinite and _is_passing(domain, first, best, end, ceiling):
        return None
    if positive:
        return Climb(first, _plain(best), _plain(end), regained, _plain(end - best))
    early = float(np.median(np.abs(values[:FIRST_ROWS]))) or 1.0
    return Climb(first, best, end, regained, (end - best) / early)


def _warm_in(values: FloatArray) -> int:
    """Rows in which a running mean that started at 0 climbs to its level, 0 where none does.

    Such a mean is 1 - decay^row of its level, so that one decay flattens all the first rows; no
    decay flattens an explosion.
    """
    early = values[: 4 * EARLY_ROWS]
    if len(early) < FEW_ROWS or not bool((early > 0).all()):
        return 0
    if early[1] < SECOND * early[0] and early[2] < THIRD * early[0]:
        return 0
    bias = 1 - DECAYS[:, None] ** np.arange(1, len(early) + 1)
    left = np.ptp(np.log(early) - np.log(bias), axis=1)
    best = int(np.argmin(left))
    if left[best] > UNEXPLAINED * float(np.ptp(np.log(early))):
        return 0
    settled = int(np.argmax(DECAYS[best] ** np.arange(1000) < UNBIASED))
    return min(settled, max(len(early), len(values) // 2))


def _blow_up(domain: FloatArray) -> Climb:
    first = 1 + int(np.argmax(domain[1:] > domain[0] + 0.5))
    end = float(np.median(domain[-max(3, len(domain) // 20) :]))
    peak = max(float(domain[:EARLY_ROWS].max()), end)
    return Climb(first, _plain(domain[0]), _plain(end), 1.0, _plain(peak - domain[0]))


def _doubt(unit: float, width: int, tail: int) -> float:
    """What the difference of two medians, of `width` and `tail` rows, may be by noise alone."""
    return LEAST_SIGMAS * unit * min(1.0, 1.25 * float(np.sqrt(1.0 / width + 1.0 / tail)))


def _is_passing(domain: FloatArray, first: int, best: float, end: float, ceiling: float) -> bool:
    """Whether the rise is a last spike, a regime that alternates, or being undone."""
    tail = int(np.clip(len(domain) // 20, 3, 20))
    if not _is_sustained(domain, first, tail, ceiling):
        return True
    least = max(tail, (len(domain) - first) // MOST_AS_LONG)
    if _came_down_before(domain[:first], ceiling, end, least):
        return True
    return not _is_all_lost(domain, best, end) and _is_coming_down(domain[first:], best)


def _plain(logarithm: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.exp(logarithm))


def _levels(domain: FloatArray, least: int, keep_first: bool) -> tuple[int, FloatArray]:
    """Trailing medians over a fiftieth of the rows, infinite between them; and that width.

    The lowest of single rows is an extreme, not a level: `least` rows make one.
    """
    width = int(np.clip(len(domain) // 50, least, 50))
    if width < 3:
        return 1, domain
    stride = width // 3
    medians = np.median(np.lib.stride_tricks.sliding_window_view(domain, width)[::stride], axis=1)
    levels = np.full(len(domain), np.inf)
    levels[np.arange(len(medians)) * stride + width - 1] = medians
    # a rise may fill all rows but the first
    levels[0] = domain[0] if keep_first else np.median(domain[:FIRST_ROWS])
    return width, levels


def _noise_near(domain: FloatArray, row: int, positive: bool) -> float:
    """Noise of the rows that led to the best level, slow wandering included."""
    before = domain[max(0, row - 50) : row + 1]
    if len(before) < FEW_ROWS:
        before = domain[: row + FEW_ROWS]
        found = noise(before)
        if positive and len(domain) > len(before) and domain[row + FEW_ROWS] > domain[row] + 1.0:
            found = min(found, UNKNOWN_NOISE)
    else:
        rows = np.arange(len(before), dtype=float)
        wander = before - np.polyval(np.polyfit(rows, before, 1), rows)
        found = np.clip(SIGMA_PER_MAD * np.median(np.abs(wander)), noise(before), 2 * noise(before))
    return max(float(found), LEAST_NOISE if positive else LEAST_NOISE * float(np.abs(before).max()))


def _regained(values: FloatArray, best_row: int, best: float, end: float, positive: bool) -> float:
    """Share of the progress that is lost again; in logarithms or as is, whichever is more."""
    first = values[: max(1, min(3, best_row))]
    plain_start = float(np.median(first))
    if not positive:
        return _share(plain_start, best, end)
    logs = _share(float(np.log(plain_start)), best, end)
    return max(logs, _share(plain_start, _plain(best), _plain(end)))


def _share(start: float, best: float, end: float) -> float:
    if end <= best:
        return 0.0
    return (end - best) / max(start - best, 1e-12 * max(1.0, abs(best)), (end - best) * 1e-3)


def _enough(positive: bool, rise: float, into_nonfinite: bool) -> float:
    """The share that makes a rise a divergence: half, less if it spans decades or ends in NaN."""
    return 0.15 if (positive and rise > np.log(30.0)) or into_nonfinite else 0.5


def _is_sustained(domain: FloatArray, first: int, tail: int, ceiling: float) -> bool:
    """Whether the end is a level and not a last spike: most of its rows are up, and it has rows."""
    up = float(np.mean(domain[-tail:] > ceiling))
    return up >= SUSTAINED and len(domain) - first >= min(tail, 5)


def _came_down_before(before: FloatArray, ceiling: float, end: float, tail: int) -> bool:
    """Whether the run had been as high for `tail` rows and had come back: it alternates."""
    low = np.flatnonzero(before <= ceiling + 0.5 * (end - ceiling))
    high = before > ceiling + 0.7 * (end - ceiling)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], high, [False]]).astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    long = (stops - starts >= tail) & (stops < len(before))
    return len(low) > 0 and bool((long & (starts > low[0])).any())


def _is_all_lost(domain: FloatArray, best: float, end: float) -> bool:
    """Whether the run ends where it had begun: what comes down to there has learned nothing."""
    start = float(domain[:3].max())
    return end >= start - 0.1 * max(start - best, 0.0)


def _is_coming_down(after: FloatArray, best: float) -> bool:
    """Whether most of the rise is undone already and its last rows go on falling."""
    peak = int(np.argmax(after))
    fall = after[peak:]
    if len(fall) < FEW_ROWS:
        return False
    quarters = [float(np.median(part)) for part in np.array_split(fall, 4)]
    undone = quarters[3] < best + 0.6 * (float(after[peak]) - best)
    steady = quarters[3] < quarters[2] < quarters[1] < quarters[0]
    return undone and steady and quarters[2] - quarters[3] > 0.15 * (quarters[0] - quarters[3])


def _never_came_back(domain: FloatArray) -> bool:
    """Whether no later row is as low as the very first one, and next to none nearly as low."""
    later = domain[FIRST_ROWS:]
    if not len(later):
        return False
    return bool(later.min() > domain[0] and np.quantile(later, 0.05) > domain[0] + BLOW_UP)


def _leeway(unit: float, rise: float, positive: bool, early: bool) -> float:
    """How far above the best level a row still counts as normal: its noise, or a share of the rise.

    In logarithms at most a decade, and a factor of 2 where hardly a row came before.
    """
    if not positive:
        return max(4.0 * unit, 0.1 * rise)
    return max(4.0 * unit, min(0.1 * rise, float(np.log(2.0 if early else 10.0))))


def _departure(domain: FloatArray, best_row: int, ceiling: float) -> int:
    """The row after the last one that was still down at the best level."""
    low = np.flatnonzero(domain[best_row:] <= ceiling)
    return best_row + (int(low[-1]) if len(low) else 0) + 1


def _blew_up_at_once(domain: FloatArray) -> bool:
    """A jump of the first rows after which the series ends no lower than its very first value.

    Optimizers with bounded steps go there: up by orders of magnitude at once, then a slow decay
    to a plateau where nothing has been learned.
    """
    early = domain[:EARLY_ROWS]
    least = max(BLOW_UP, BLOW_UP_SIGMAS * noise(domain[EARLY_ROWS:]))
    if _never_came_back(domain):
        least = BLOW_UP
    if float(early.max() - domain[0]) < least or len(domain) < 2 * EARLY_ROWS:
        return False
    usual = float(np.median(domain[EARLY_ROWS:]))
    if max(float(early.max()) - usual, usual - float(domain[0])) < least:
        return False  # the first row was low by chance: neither it nor the peak stands apart
    peak = int(np.argmax(early))
    if float(np.median(domain[peak : peak + FIRST_ROWS])) - domain[0] < 0.3 * least:
        return False  # one bad batch among the first, and the next row is back
    rise = np.exp(early[: peak + 1] - early.max())
    if float(np.diff(rise).max()) < ONE_JUMP * float(rise[-1] - rise[0]):
        return False  # a running mean that starts from 0 climbs in ever smaller steps
    return float(np.median(domain[-len(domain) // 4 :])) > float(domain[0]) - NOT_LEARNED
