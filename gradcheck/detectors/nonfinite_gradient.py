"""A gradient norm that is NaN or infinite, unless a loss scaler skipped the step as it should."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import came_back, stretch_event
from gradcheck.measure.robust import block_levels, finite
from gradcheck.measure.stretches import between, rows_within, stretches
from gradcheck.model import Event, Kind, Role, Run, Series, Severity

MOST = 100
"""Stretches told one by one; a log of alternating NaN has thousands."""
SEARCH = 20
"""Rows that a loss scaler may skip in a row while it looks for its scale (2¹⁶ to 2⁻⁴)."""
FREQUENT = 8
FREQUENT_SHARE = 0.005
"""Share of NaN rows far beyond what a loss scaler skips, about one step in 2000."""
HOLDS, KEPT = 4, 0.1
"""Rows, and the share of its first value that a loss scale keeps where not all steps overflow."""
ISOLATED = 3
"""Rows that a scaler skips at once later on."""


def detect(run: Run) -> Iterator[Event]:
    """One event per stretch of non-finite rows that a loss scaler does not explain."""
    found = run.get(Role.GRAD_NORM) or run.get(Role.CLIPPED_GRAD_NORM)
    candidates = [found] if found else run.every(Role.LAYER_GRAD_NORM)
    broken = [s for s in candidates if not np.isfinite(s.value).all()]
    if not broken:
        return
    series = min(broken, key=lambda s: int(np.argmin(np.isfinite(s.value))))
    bad = ~np.isfinite(series.value)
    rows_of = stretches(bad, join=2)
    told = [rows for rows in rows_of if not _is_skip(run, series, *rows)]
    nan_share = float(np.isnan(series.value).mean())
    if len(told) >= FREQUENT and nan_share > FREQUENT_SHARE and came_back(series, *told[-1]):
        rows = (rows_of[0][0], rows_of[-1][1])
        yield stretch_event(Kind.NONFINITE_GRADIENT, Severity.SPIKE, series, rows, recovered=True)
    else:
        yield from (_event(run, series, *rows) for rows in told[:MOST])


def _is_skip(run: Run, series: Series, first: int, last: int) -> bool:
    """Whether a loss scaler skipped these rows as it should."""
    return _may_be_skip(run, series, first, last) and _scaler_acted(run, series, first, last)


def _may_be_skip(run: Run, series: Series, first: int, last: int) -> bool:
    short = last - first < (SEARCH if first == 0 else ISOLATED)
    if _seen_inside(run, int(series.step[first]), int(series.step[last])):
        return False
    return short and came_back(series, first, last) and _loss_is_finite(run, series, first, last)


def _seen_inside(run: Run, first_step: int, last_step: int) -> bool:
    """Whether `watch` saw an operation fail there for another reason than the range of float16."""
    return any(
        seen.where is not None
        and seen.step is not None
        and first_step <= seen.step <= last_step
        and not seen.key.startswith("half_")
        for seen in run.observations
    )


def _event(run: Run, series: Series, first: int, last: int) -> Event:
    recovered = came_back(series, first, last)
    severity = Severity.SPIKE if recovered else Severity.FAILURE
    harmless = (_may_be_skip, _only_the_norm_overflowed, _scale_holds)
    if any(explains(run, series, first, last) for explains in harmless):
        severity = Severity.WARNING
    return stretch_event(
        Kind.NONFINITE_GRADIENT, severity, series, (first, last), recovered=recovered
    )


def _window(series: Series | None, first_step: int, last_step: int) -> Series | None:
    if series is None:
        return None
    rows = rows_within(series, first_step, last_step)
    return (
        between(series, int(series.order[rows[0]]), int(series.order[rows[-1]]))
        if len(rows)
        else None
    )


def _loss_is_finite(run: Run, series: Series, first: int, last: int) -> bool:
    loss = _window(run.get(Role.LOSS), int(series.step[first]), int(series.step[last]))
    return loss is None or bool(np.isfinite(loss.value).all())


def _scaler_acted(run: Run, series: Series, first: int, last: int) -> bool:
    """Whether the loss scale fell, or a skip was counted, at these rows."""
    before = int(series.step[max(first - 1, 0)])
    after = int(series.step[min(last + 1, len(series) - 1)])
    scale = _window(run.get(Role.LOSS_SCALE), before, after)
    if scale is not None and bool((np.diff(scale.value) < 0).any()):
        return True
    skips = _window(run.get(Role.SKIPPED_STEPS), before, after)
    return skips is not None and bool((skips.value > 0).any())


def _scale_holds(run: Run, series: Series, first: int, last: int) -> bool:
    """Whether a loss scale that stays up shows that most steps pass, where rows stand for many.

    It is halved at each step that overflows, and is gone soon if they all do. A scale that is no
    power of 2 is a mean over steps.
    """
    steps = (int(series.step[first]), int(series.step[last]))
    scale, loss = _window(run.get(Role.LOSS_SCALE), *steps), _window(run.get(Role.LOSS), *steps)
    if scale is None or loss is None or len(scale) < HOLDS or len(loss) < HOLDS:
        return False
    finite_all = bool(np.isfinite(scale.value).all() and np.isfinite(loss.value).all())
    lowest = float(scale.value.min())
    stays = lowest > 1 and lowest > KEPT * float(scale.value[0])
    if not (finite_all and stays and bool(np.ptp(loss.value) > 0)):
        return False
    is_mean = bool((np.log2(scale.value) % 1 != 0).any())
    return is_mean or bool(np.median(np.diff(scale.step)) > 1)


def _only_the_norm_overflowed(run: Run, series: Series, first: int, last: int) -> bool:
    """Whether the run went on learning: an infinite norm of finite gradients (float32 overflow).

    A NaN gradient cannot be applied without poisoning the weights; an infinite norm can be the
    overflow of its own sum of squares while every entry is finite.
    """
    loss = run.get(Role.LOSS)
    if loss is None or bool(np.isnan(series.value[first : last + 1]).any()):
        return False
    after = finite(loss.value[loss.step >= series.step[first]])
    levels = block_levels(after, 4)
    return (
        len(after) >= 20
        and len(after) == int((loss.step >= series.step[first]).sum())
        and bool(levels[-1] <= levels[0])
        and bool(np.ptp(after) > 0)
    )
