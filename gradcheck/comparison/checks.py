"""The checks of a run against good runs: spikes, the norm's level, the loss's fall and its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from gradcheck.comparison import spikes
from gradcheck.comparison.alignment import Aligned, align
from gradcheck.comparison.bands import Window, band, windows
from gradcheck.comparison.levels import Grid, grid
from gradcheck.model import Check, Compared, Comparison, Envelope, FloatArray, Role, Run, Severity

TOLERANCES: Mapping[Check, float] = {
    Check.GRADIENT_SPIKES: 3.0,
    Check.LOSS_SPIKES: 1.0,
    Check.GRADIENT_NORM: 0.1,
    Check.LOSS_FALL: 0.02,
    Check.LOSS_END: 0.02,
    Check.VALIDATION_END: 0.02,
}
"""How much worse, as a share, is too little to fail a build however sure it is."""


def compare(
    run: Run, good: Sequence[Run], tolerances: Mapping[str, float] | None = None
) -> Comparison:
    """Hold a run against known good runs of the same training.

    Raises:
        NotComparable: no role is common, or too few points are.
    """
    alignment = align(run, good)
    shares = {**TOLERANCES, **{Check(name): s for name, s in (tolerances or {}).items()}}
    compared: list[Compared] = []
    envelopes = []
    with np.errstate(all="ignore"):
        for aligned in alignment.roles:
            measured = grid(aligned)
            compared += _checks(aligned, measured, shares)
            envelopes.append(_envelope(aligned, measured))
    return Comparison(
        baselines=tuple(one.path for one in good),
        along=alignment.along,
        first_step=alignment.first_step,
        last_step=alignment.last_step,
        compared=tuple(sorted(compared, key=lambda one: -one.excess)),
        envelopes=tuple(envelopes),
        notes=(*alignment.notes, *_rate_notes(run, good)),
    )


def _checks(aligned: Aligned, measured: Grid, shares: Mapping[Check, float]) -> Iterator[Compared]:
    spans, ending = windows(measured), windows(measured, ending=True)
    if aligned.role is Role.GRAD_NORM:
        yield from _spikes(aligned, measured, Check.GRADIENT_SPIKES, shares)
        yield _level(aligned, measured, Check.GRADIENT_NORM, spans, shares)
    elif aligned.role is Role.LOSS:
        yield from _spikes(aligned, measured, Check.LOSS_SPIKES, shares)
        yield _level(aligned, measured, Check.LOSS_FALL, spans, shares)
        yield _level(aligned, measured, Check.LOSS_END, ending, shares)
    else:
        yield _level(aligned, measured, Check.VALIDATION_END, ending, shares)


def _level(
    aligned: Aligned,
    measured: Grid,
    check: Check,
    spans: Sequence[Window],
    shares: Mapping[Check, float],
) -> Compared:
    """The window that is farthest out."""

    def allowed(window: Window) -> float:
        return window.allowance + _tolerance(measured, window.good, shares[check])

    worst = max(spans, key=lambda w: (w.run - w.good) / allowed(w) if allowed(w) > 0 else 0.0)
    limit = allowed(worst)
    excess = (worst.run - worst.good) / limit if limit > 0 else 0.0
    value, usual, highest = (
        measured.value(level) for level in (worst.run, worst.good, worst.good + limit)
    )
    first, last = int(measured.first[worst.first]), int(measured.last[worst.stop - 1])
    theirs = "the good runs" if len(aligned.good) > 1 else "the good run"
    words = {
        Check.GRADIENT_NORM: f"The gradient norm is {{}} over steps {first}-{last}",
        Check.LOSS_FALL: f"The loss is {{}} over steps {first}-{last}",
        Check.LOSS_END: "The loss ends at {}",
        Check.VALIDATION_END: "The validation loss ends at {}",
    }[check].format(_number(value))
    verb = "ended at" if "END" in check.name else "had"
    statement = (
        f"{words}; {theirs} {verb} {_number(usual)}, and up to {_number(highest)} would be noise."
    )
    return _compared(check, aligned, statement, (value, usual, highest), excess, (first, last))


def _spikes(
    aligned: Aligned, measured: Grid, check: Check, shares: Mapping[Check, float]
) -> Iterator[Compared]:
    share = shares[check]
    typical = float(np.median(measured.run.level))
    least = _tolerance(measured, typical, share)
    rise = spikes.farthest(aligned, logarithmic=measured.logarithmic, least=least)
    if rise is None:
        return
    # in logarithms a rise is a factor over the level around it
    shown: Callable[[float], float] = measured.value if measured.logarithmic else float
    value, usual, limit = (shown(height) for height in (rise.height, rise.usual, rise.limit))
    noun = "gradient norm" if aligned.role is Role.GRAD_NORM else "loss"
    often = "" if rise.count == 1 else f"{rise.count} times "
    unit = "times the level" if measured.logarithmic else "above the level"
    theirs = "the good runs" if len(aligned.good) > 1 else "the good run"
    statement = (
        f"The {noun} rises {often}to {_number(value)} {unit} around it, at most at step "
        f"{rise.step}; in {theirs} to {_number(usual)}, and up to {_number(limit)} would be noise."
    )
    yield _compared(
        check, aligned, statement, (value, usual, limit), rise.excess, (rise.step, rise.step)
    )


def _compared(
    check: Check,
    aligned: Aligned,
    statement: str,
    numbers: tuple[float, float, float],
    excess: float,
    steps: tuple[int, int],
) -> Compared:
    value, usual, limit = numbers
    return Compared(
        check=check,
        series=aligned.series,
        statement=statement,
        value=value,
        usual=usual,
        limit=limit,
        excess=round(excess, 4),
        first_step=steps[0],
        last_step=steps[1],
        severity=Severity.FAILURE if excess > 1 else None,
    )


def _tolerance(measured: Grid, level: float, share: float) -> float:
    """A share of a level, in the domain of the levels."""
    return float(np.log1p(share)) if measured.logarithmic else share * abs(level)


def _envelope(aligned: Aligned, measured: Grid) -> Envelope:
    usual, high = band(measured)

    def shown(levels: FloatArray) -> FloatArray:
        return np.array([measured.value(level) for level in levels.tolist()])

    middle = (measured.first + measured.last) / 2
    return Envelope(
        aligned.role, aligned.series, middle, shown(measured.run.level), shown(usual), shown(high)
    )


def _rate_notes(run: Run, good: Sequence[Run]) -> Iterator[str]:
    """What explains a difference: a learning rate that is another one."""
    mine = _largest_rate(run)
    theirs = [rate for one in good if (rate := _largest_rate(one)) is not None]
    if mine is None or not theirs:
        return
    usual = float(np.median(theirs))
    if abs(mine / usual - 1) > 0.01:
        yield (f"the learning rate goes up to {_number(mine)}; in the baseline to {_number(usual)}")


def _largest_rate(run: Run) -> float | None:
    rate = run.get(Role.LEARNING_RATE)
    values = rate.value[np.isfinite(rate.value) & (rate.value > 0)] if rate else np.zeros(0)
    return float(values.max()) if len(values) else None


def _number(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}"
