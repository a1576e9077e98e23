"""Is the data of the onset out of line with that of the steps before it?"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gradcheck.model import Observation, Where
from gradcheck.wording import number

PHASES = {
    "input": ("batch_stands_out", "inputs"),
    "target": ("target_stands_out", "targets"),
}
STANDS_OUT, ORDINARY = 8.0, 2.0
MOST_SAMPLES = 64
GREW, SHRANK = 1.1, 0.5
"""Data that come to so many times the numbers of the steps before are those of a larger batch, or
of one so small that its mean is noise."""

Survey = Mapping[str, Any]
"""What a replay saw of one step."""


def compare(surveys: Sequence[Survey], onset: int) -> Iterator[Observation]:
    """What the last two of these steps, that before the onset and its own, were given."""
    large = list(_out_of_size(surveys, onset))
    yield from large or _in_line(surveys, onset)
    yield from _amount(surveys, onset)


def where(phase: str, seen: Survey) -> Where:
    """Where data that stands out was met, and which samples it is."""
    samples = seen.get("samples")
    few = tuple(samples) if samples and len(samples) <= MOST_SAMPLES else None
    return Where(phase, file=seen.get("file"), line=seen.get("line"), samples=few)


def _sizes(surveys: Sequence[Survey], name: str) -> tuple[list[float], float]:
    """The largest number of each step's data, and the usual one before the onset."""
    sizes = [float(one[name]["largest"]) for one in surveys]
    return sizes, statistics.median(sizes[:-2] or sizes[:1])


def _out_of_size(surveys: Sequence[Survey], onset: int) -> Iterator[Observation]:
    """Is the batch of the onset, or its target, larger than the ones before it?"""
    out: dict[str, tuple[Survey, float, float]] = {}
    for phase in PHASES:
        sizes, usual = _sizes(surveys, phase)
        first = next((at for at in (-2, -1) if sizes[at] >= STANDS_OUT * usual > 0), None)
        if first is not None:
            out[phase] = surveys[first][phase], sizes[first], usual
    # a number that is the target of one sample may be an input of the next
    samples = {one for seen, *_ in out.values() for one in seen.get("samples") or ()}
    for phase, (seen, now, usual) in out.items():
        key, what = PHASES[phase]
        yield Observation(
            key,
            f"the {what} of step {onset} reach {number(now)}, those of the steps before it "
            f"{number(usual)}",
            onset,
            min(1.0, 0.5 + 0.25 * math.log10(now / usual)),
            {"ratio": now / usual},
            where(phase, {**seen, "samples": sorted(samples)}),
        )


def _in_line(surveys: Sequence[Survey], onset: int) -> Iterator[Observation]:
    """Are its inputs about as large as those before?"""
    sizes, usual = _sizes(surveys, "input")
    if usual > 0 and max(sizes[-2:]) < ORDINARY * usual:
        yield Observation(
            "batch_ordinary",
            f"the inputs of step {onset} reach {number(max(sizes[-2:]))}, those of the steps "
            f"before it {number(usual)}: nothing is out of line",
            onset,
        )


def _amount(surveys: Sequence[Survey], onset: int) -> Iterator[Observation]:
    """Does the step work on more, or on much less, than the ones before it?"""
    counts = [int(one["numbers"]) for one in surveys]
    before, now = statistics.median(counts[:-2] or counts[:1]), max(counts[-2:])
    if 0 < min(counts[-2:]) <= SHRANK * before:
        yield Observation(
            "batch_shrank",
            f"step {onset} works on {min(counts[-2:]) / before:.0%} of the data of those before it",
            onset,
        )
    yield from _grew(before, now, onset, "those before it")


def growth(start: Survey, end: Survey, onset: int) -> Iterator[Observation]:
    """Does the step of the onset work on more than the first one: longer sequences, say?"""
    before, now = int(start["numbers"]), int(end["numbers"])
    yield from _grew(before, now, onset, "the first one")


def _grew(before: float, now: int, onset: int, than: str) -> Iterator[Observation]:
    if now >= GREW * before > 0:
        yield Observation(
            "batch_grew",
            f"step {onset} works on {number(now / before)} times as much data as {than}",
            onset,
            values={"ratio": now / before},
        )
