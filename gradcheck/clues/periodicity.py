"""Do the spikes come back at a fixed distance, or once in every epoch?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.periods import common_period
from gradcheck.model import Event, Evidence, IntArray, Kind, Role
from gradcheck.wording import count, number

CLUES = {
    "fixed_period": ClueKind("spikes or NaN rows return at a fixed number of steps"),
    "once_per_epoch": ClueKind(
        "spikes return once in each epoch, at changing places", (Role.LOSS, Role.EPOCH)
    ),
    "spikes_follow_rate": ClueKind(
        "nearly each spike follows a jump of the learning rate", (Role.LOSS, Role.LEARNING_RATE)
    ),
    "equal_heights": ClueKind("the spikes have nearly the same height each time"),
    "irregular_spikes": ClueKind("several spikes, at irregular distances"),
}
LEAST = 3
AFTERSHOCKS, SMALLER = 30, 3.0
"""Rows within which a smaller spike is one, and how many times higher the blow was."""
FOLLOWING = 0.7
"""Share of the events that follow the learning rate where it is what brings them."""
KINDS = (Kind.LOSS_SPIKE, Kind.GRADIENT_SPIKE, Kind.NONFINITE_LOSS)


def observe(case: Case) -> Iterator[Clue]:
    """Test the steps of the most frequent kind of event for a period."""
    events = max((case.of_kind(kind) for kind in KINDS), key=_brief_count)
    events = _without_aftershocks([event for event in events if event.recovered], case.cadence)
    if len(events) < LEAST:
        return
    steps = np.array([event.step for event in events], dtype=np.int64)
    series = events[0].series
    period = common_period(steps, case.cadence)
    window = (int(steps[0]), int(steps[-1]))
    if period is not None:
        said = (
            f"{count(len(events), 'event')} {period} steps apart, each at position "
            f"{steps[0] % period} "
            f"of {period}: a batch that comes round with the epoch"
        )
        yield Clue(
            "fixed_period",
            Evidence(said, series, *window),
            min(1.0, len(events) / 5 + 0.3),
            {"period": period, "phase": int(steps[0] % period)},
        )
    elif (share := _once_per_epoch(case, steps)) is not None:
        said = (
            f"{count(len(events), 'event')} in {share[1]} epochs, one in each of "
            f"{share[0]} of them, at changing places: one sample in a shuffled set"
        )
        yield Clue("once_per_epoch", Evidence(said, series, *window))
    else:
        said = (
            f"{count(len(events), 'event')} at irregular distances "
            f"({', '.join(str(s) for s in steps[:5])}{' …' if len(steps) > 5 else ''})"
        )
        yield Clue("irregular_spikes", Evidence(said, series, *window))
    following = _following_rate(case, steps)
    if following >= FOLLOWING * len(events):
        said = (
            f"{following} of the {len(events)} events come within a few rows of a jump of the "
            "learning rate"
        )
        yield Clue("spikes_follow_rate", Evidence(said, series, *window))
    yield from _heights(events, series, window)


def _without_aftershocks(events: Sequence[Event], cadence: int) -> list[Event]:
    """What a wounded run does in the rows after a blow comes at no time of its own."""
    kept: list[Event] = []
    for event in events:
        blow = kept[-1] if kept else None
        if (
            blow is not None
            and (event.step or 0) - (blow.step or 0) <= AFTERSHOCKS * cadence
            and (blow.value or 0.0) > SMALLER * abs(event.value or 0.0)
        ):
            continue
        kept.append(event)
    return kept


def _brief_count(events: Sequence[Event]) -> int:
    return sum(event.recovered for event in events)


def _once_per_epoch(case: Case, steps: IntArray) -> tuple[int, int] | None:
    """Epochs with exactly one event, and epochs in all, where nearly every epoch has one."""
    epoch = case.run.get(Role.EPOCH)
    if epoch is None or len(epoch) < 2:
        return None
    known = np.isfinite(epoch.value) & (np.abs(epoch.value) < 2.0**53)
    if np.count_nonzero(known) < 2:
        return None
    at = np.floor(np.interp(steps, epoch.step[known], epoch.value[known]) + 1e-9).astype(int)
    if at.max() - at.min() > 2 * len(steps):
        return None
    seen = np.arange(at.min(), at.max() + 1)
    hits = np.array([np.count_nonzero(at == number) for number in seen])
    once = int(np.count_nonzero(hits == 1))
    return (
        (once, len(seen))
        if len(seen) >= LEAST and once >= 0.8 * len(seen) and hits.max() <= 2
        else None
    )


def _following_rate(case: Case, steps: IntArray) -> int:
    """Events with a jump of the learning rate right before them."""
    rate = case.rate
    if rate is None or len(rate) < 3:
        return 0
    jumps = rate.step[1:][rate.value[1:] > 1.8 * np.maximum(rate.value[:-1], 1e-300)]
    return sum(bool(((jumps <= s) & (jumps > s - 10 * case.cadence)).any()) for s in steps)


def _heights(
    events: Sequence[Event], series: str | None, window: tuple[int, int]
) -> Iterator[Clue]:
    peaks = np.array([event.value for event in events if event.value is not None])
    peaks = peaks[np.isfinite(peaks)]
    if len(peaks) < LEAST or float(np.median(peaks)) <= 0:
        return
    spread = float(np.median(np.abs(np.diff(peaks))) / np.median(peaks))
    if spread < 0.25:
        said = (
            f"their peaks are alike, {number(float(peaks.min()))} to "
            f"{number(float(peaks.max()))}: the same sample each time"
        )
        yield Clue("equal_heights", Evidence(said, series, *window))
