"""Does the course of the loss itself betray its formula?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.robust import block_levels, finite, level
from gradcheck.model import Evidence, FloatArray, Kind, Role, Series, Severity
from gradcheck.wording import factor, number

CLUES = {
    "floorless_fall": ClueKind("the loss is negative and keeps falling, with no floor in sight"),
    "floorless_with_gradient": ClueKind(
        "while the loss falls without a floor the gradient norm grows", (Role.LOSS, Role.GRAD_NORM)
    ),
    "spikes_from_negative": ClueKind(
        "the loss leaps from a negative level to many times its size, again and again"
    ),
    "log_clamp_values": ClueKind("the loss sits on multiples of 100/B: logarithms clamped at -100"),
    "frozen_high": ClueKind(
        "after the jump the loss stays on a high plateau instead of growing on"
    ),
    "negative_at_once": ClueKind(
        "a loss that had come down to little above 0 is far below it from one row to the next"
    ),
    "monotone_rise": ClueKind("the loss rises smoothly from the very first row on"),
    "negative_from_first_row": ClueKind("the loss is negative from the very first row on"),
    "hidden_by_logger": ClueKind("the logger wrote 0 in place of a NaN loss"),
}
BATCHES = (*range(1, 129), 160, 192, 200, 256)
CLAMP = 100.0
STEADY, SLOWING = 0.7, 0.3
"""Share of its fastest fall at which a loss runs down, and how little one tells that slows."""
LEAP = 3.0
LEAST_ROWS = 10
ABOVE_ROWS, AT_ONCE, FAR_BELOW, MOSTLY_BELOW = 30, 3, 10.0, 0.9
"""Rows above 0, rows below it of which the median is meant, how far that is in the loss's own usual
size, and the share of the rest that is below."""
SMOOTH = 3.0
"""Growth from one tenth of a run to the next up to which it is no leap."""


def observe(case: Case) -> Iterator[Clue]:
    """Test the loss for each tell-tale course."""
    loss = case.loss
    if loss is None or len(loss) < LEAST_ROWS:
        return
    yield from _log_clamp(loss)
    if case.trigger is not None:
        yield from _negative(loss)
        yield from _floorless(case, loss)
        yield from _leaps(case, loss)
        yield from _negative_at_once(case, loss)
    if case.failed:
        yield from _frozen(case, loss)
        yield from _monotone(case, loss)
    for event in case.of_kind(Kind.MASKED_NONFINITE):
        said = (
            f"from step {event.step} on the loss is exactly 0, which it had never come "
            "near: the logger replaced NaN"
        )
        yield Clue("hidden_by_logger", Evidence(said, loss.name, event.step, event.last_step))


def _negative(loss: Series) -> Iterator[Clue]:
    """A negated cross-entropy is negative before anything is learned; a likelihood seldom is."""
    early = loss.value[:LEAST_ROWS]
    if bool((early < 0).all()):
        said = f"the loss is negative from the first row on ({number(float(early[0]))})"
        # a difference of two terms starts at about 0, and moves at once by more than that
        start, moved = abs(level(early)), abs(float(early[-1] - early[0]))
        yield Clue(
            "negative_from_first_row",
            Evidence(said, loss.name, int(loss.step[0]), int(loss.step[LEAST_ROWS - 1])),
            start / (start + moved),
        )


def _floorless(case: Case, loss: Series) -> Iterator[Clue]:
    own = [
        e.order for e in case.events if e.series == loss.name and e.severity is not Severity.WARNING
    ]
    end = int(np.searchsorted(loss.order, min(own))) if own else len(loss)
    values = finite(loss.value[:end])
    if len(values) < LEAST_ROWS:
        return
    levels = block_levels(values, int(np.clip(len(values) // 3, 4, 8)))
    falls = -np.diff(levels)
    usual = float(np.median(falls[falls > 0])) if bool((falls > 0).any()) else np.inf
    if levels[-1] >= 0 or not bool((falls[-3:] > 0).all()) or falls[-1] <= 0.3 * usual:
        return
    said = (
        f"the loss is negative and still falling where it breaks ({number(float(levels[0]))} → "
        f"{number(float(levels[-1]))})"
    )
    window = (int(loss.step[0]), int(loss.step[end - 1]))
    # a density may well come to a negative loss, slower and slower, where nothing breaks
    runs_on = case.failed or float(falls[-1]) > STEADY * float(falls.max())
    share = 1.0 if runs_on else SLOWING
    yield Clue("floorless_fall", Evidence(said, loss.name, *window), share)
    if case.gradient is not None:
        yield from _steeper(case.gradient, window, share)


def _leaps(case: Case, loss: Series) -> Iterator[Clue]:
    """A density that is too narrow: an error of a few of its widths costs more than all before."""
    leaps = []
    for event in case.of_kind(Kind.LOSS_SPIKE):
        row = int(np.searchsorted(loss.order, event.order))
        before = float(loss.value[row - 1]) if row else 0.0
        if before < 0 and (event.value or 0.0) > LEAP * abs(before):
            leaps.append(event)
    if len(leaps) >= 2:
        said = (
            f"{len(leaps)} times the loss leaps from below 0 to many times its size, first at step "
            f"{leaps[0].step} to {number(leaps[0].value or 0.0)}"
        )
        yield Clue(
            "spikes_from_negative", Evidence(said, loss.name, leaps[0].step, leaps[-1].last_step)
        )


def _steeper(norm: Series, window: tuple[int, int], share: float) -> Iterator[Clue]:
    norms = finite(norm.value[(norm.step >= window[0]) & (norm.step <= window[1])])
    if len(norms) < LEAST_ROWS:
        return
    growth = level(norms[-5:]) / max(level(norms[: len(norms) // 4 + 1]), 1e-300)
    if growth > 2:
        said = (
            f"meanwhile the gradient norm grew {factor(growth)}: the narrower the "
            "density, the steeper"
        )
        strength = share * min(1.0, float(np.log10(growth)) + 0.2)
        yield Clue("floorless_with_gradient", Evidence(said, norm.name, *window), strength)


def _log_clamp(loss: Series) -> Iterator[Clue]:
    """BCE on probabilities clamps each logarithm at -100, so saturated errors cost exactly 100."""
    values = finite(loss.value)
    stuck = values[(values > 0.5) & (values <= CLAMP)]
    stuck = stuck[-max(LEAST_ROWS, len(stuck) // 2) :]
    if len(stuck) < LEAST_ROWS or level(stuck) < 1.5:
        return
    for batch in BATCHES:
        share = stuck * batch / CLAMP
        off = np.abs(share - np.round(share))
        # a wide grid (few samples) is telling, on a fine one everything lies near a multiple
        several = np.ptp(share[off < 0.01]) > 1.5 if bool((off < 0.01).any()) else False
        # a flat loss is a multiple of something
        if float(np.mean(off < 0.01)) > 0.75 and several:
            said = (
                f"the loss takes multiples of {number(CLAMP / batch)} (up to "
                f"{number(float(stuck.max()))}): logarithms clamped at -100, {batch} terms "
                "in the mean"
            )
            yield Clue(
                "log_clamp_values", Evidence(said, loss.name, int(loss.step[0]), int(loss.step[-1]))
            )
            return


def _frozen(case: Case, loss: Series) -> Iterator[Clue]:
    row = case.onset_row(loss)
    after, before = finite(loss.value[row:]), finite(loss.value[:row])
    if len(after) < 2 * LEAST_ROWS or not len(before) or not np.isfinite(loss.value[-1]):
        return
    peak, end = float(after[:LEAST_ROWS].max()), level(after[-LEAST_ROWS:])
    usual = level(before[-LEAST_ROWS:])
    if peak > 3.0 * abs(usual) and usual < end < peak:
        said = (
            f"after a jump to {number(peak)} the loss ends at {number(end)}, bounded, "
            f"and above the {number(usual)} from before"
        )
        yield Clue("frozen_high", Evidence(said, loss.name, case.onset_step, int(loss.step[-1])))


def _negative_at_once(case: Case, loss: Series) -> Iterator[Clue]:
    """A loss without a floor glides through 0; other targets take it there in a row."""
    row = case.onset_row(loss)
    before, after = loss.value[:row], loss.value[row:]
    if len(before) < ABOVE_ROWS or len(after) < LEAST_ROWS or not bool((before > 0).all()):
        return
    usual, first = float(np.median(before[-LEAST_ROWS:])), float(np.median(after[:AT_ONCE]))
    if first < -FAR_BELOW * usual and float(np.mean(after < 0)) > MOSTLY_BELOW:
        said = (
            f"the loss had been positive for {len(before)} rows, at {number(usual)} in the last, "
            f"and is {number(first)} at once"
        )
        window = (int(loss.step[max(0, row - LEAST_ROWS)]), int(loss.step[row]))
        yield Clue("negative_at_once", Evidence(said, loss.name, *window))


def _monotone(case: Case, loss: Series) -> Iterator[Clue]:
    """Worse from the first row on, in small steps that grow: well-aimed steps the wrong way."""
    values = _first_finite(loss.value)
    if len(values) < 3 * LEAST_ROWS or values[0] == 0:
        return
    levels = block_levels(values[: max(3 * LEAST_ROWS, case.onset_row(loss))], LEAST_ROWS)
    if not _worsens(levels, float(values[0])):
        levels = block_levels(values, LEAST_ROWS)  # noise may hide it up to there
        leaps = not bool((levels[1:] <= SMOOTH * levels[:-1]).all())
        if leaps or not _worsens(levels, float(levels[0])):
            return
    said = (
        f"the loss rises from its first rows on and faster and faster ({number(float(levels[0]))}, "
        f"{number(float(levels[len(levels) // 2]))}, {number(float(levels[-1]))}); it never fell"
    )
    yield Clue("monotone_rise", Evidence(said, loss.name, int(loss.step[0]), case.onset_step))


def _worsens(levels: FloatArray, first: float) -> bool:
    """Whether they rise from one to the next, slowly at first and then faster."""
    steps = np.diff(levels)
    slow = abs(float(steps[0])) < abs(first)
    return bool((steps > 0).all()) and slow and float(steps[-1]) > float(steps[0])


def _first_finite(values: FloatArray) -> FloatArray:
    bad = np.flatnonzero(~np.isfinite(values))
    return values[: int(bad[0])] if len(bad) else values
