"""Does another logged series name the culprit: a count of NaN, a probability, a variance?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.model import Evidence, FloatArray, Role, Series
from gradcheck.wording import number

CLUES = {
    "nan_in_data": ClueKind(
        "a logged count of NaN in inputs or targets is above 0 at the onset, or a measure that no "
        "weight enters is NaN there: it is a number again later"
    ),
    "no_targets": ClueKind("a logged count of targets is 0 at the onset"),
    "probability_saturated": ClueKind("a logged probability reaches exactly 0 or 1 at the onset"),
    "units_off": ClueKind("a logged share of inactive units goes to 1 and stays there"),
    "variance_collapsed": ClueKind("a logged scale of a density falls to next to nothing"),
}
NAN_COUNT = re.compile(
    r"\b(nan|nans|inf|nonfinite|non finite|invalid|missing)\b.*\b(in|input|inputs|x|batch|data"
    r"|target|targets|label|labels|y|feature|features)\b"
    r"|\b(input|batch|data|target|label|feature)s?\b.*\b(nan|nans|nonfinite)\b"
)
TARGET_COUNT = re.compile(
    r"\b(num|n|count|valid|total)\b.*\b(target|targets|token|tokens|label|labels|valid|mask|masked|pos)\b"
)
PROBABILITY = re.compile(
    r"\b(p|prob|probs|probability|score|sigmoid|conf)\b.*\b(max|min)\b|\b(max|min) (p|prob)\b"
)
LOG_SCALE = re.compile(r"\blog ?(sigma|var|variance|std|scale)\b|\blog(sigma|var|std)\b")
INACTIVE = re.compile(
    r"\b(zero|zeros|dead|inactive|sparsity)\b.*\b(frac|fraction|share|ratio|units|relu)?"
)
OFF, OFF_ROWS = 0.98, 10
COLLAPSED = -15.0
"""Logarithm of a scale below which squared errors are multiplied by more than 10¹³."""
DATA_MEASURE = re.compile(
    r"(train )?((batch|data) )?(input|target|label|feature)s? (mean|min|max|std|norm|sum)"
    r"|(train )?((batch|data) )?(mean|min|max|std|norm|sum) (input|target|label|feature)s?"
)
"""Names that say this and no more: all else may depend on the weights, which are NaN by then."""
BY_NAME = 0.7
ROWS = 3


def observe(case: Case) -> Iterator[Clue]:
    """Look through the series that have no role."""
    if case.trigger is None:
        return
    for series in case.run.every(Role.OTHER):
        name = re.sub(r"[^a-z0-9]+", " ", series.name.lower()).strip()
        look = next((look for pattern, look in _LOOKS if pattern.search(name)), None)
        if look is not None:
            yield from look(case, series)
        else:
            yield from _failed_alone(case, series, name)


def _failed_alone(case: Case, series: Series, name: str) -> Iterator[Clue]:
    """Is it NaN where the loss is first, and a number again when the loss is not?

    Whatever depends on the weights stays NaN from there on: this does not. Where the log ends
    too soon to say so, its name must.
    """
    row, bad = case.onset_row(series), ~np.isfinite(series.value)
    if case.loss is None or not case.failed or row >= len(bad) or row < ROWS:
        return
    lost = ~np.isfinite(case.loss.value[case.onset_row(case.loss) :])
    if not len(lost) or not lost.all() or not bad[row] or bad[:row].any():
        return
    after = bad[row + 1 :]
    strength = 1.0
    if np.count_nonzero(~after) >= max(ROWS, len(after) / 2):
        said = f"{series.name} is NaN at the onset, and a number again while the loss stays NaN"
    elif not after.any() and DATA_MEASURE.fullmatch(name):
        said = f"{series.name} is NaN at the onset, and it is a measure of the data by its name"
        strength = BY_NAME
    else:
        return
    yield Clue("nan_in_data", _evidence(case, series, said), strength)


def _switched_off(_case: Case, series: Series) -> Iterator[Clue]:
    on = np.flatnonzero(series.value < OFF)
    first = int(on[-1]) + 1 if len(on) else 0
    if len(on) and len(series) - first >= OFF_ROWS:
        since = int(series.step[first])
        said = f"{series.name} is at {number(float(series.value[-1]))} from step {since} to the end"
        yield Clue("units_off", Evidence(said, series.name, since, int(series.step[-1])))


def _near_onset(case: Case, series: Series) -> tuple[FloatArray, FloatArray]:
    """The values well before the onset, and those of the rows just before it and at it."""
    row = case.onset_row(series)
    return series.value[: max(0, row - ROWS)], series.value[max(0, row - ROWS) : row + 1]


def _counted(case: Case, series: Series) -> Iterator[Clue]:
    before, near = _near_onset(case, series)
    if bool((near > 0).any()) and not bool((before[-100:] > 0).any()):
        said = f"{series.name} rises from 0 to {number(float(np.nanmax(near)))} where it breaks"
        yield Clue("nan_in_data", _evidence(case, series, said))


def _no_targets(case: Case, series: Series) -> Iterator[Clue]:
    before, near = _near_onset(case, series)
    if bool((near == 0).any()) and len(before) and bool((before[-100:] > 0).all()):
        said = f"{series.name} is 0 where it breaks, which it had not been in the rows before"
        yield Clue("no_targets", _evidence(case, series, said))


def _saturated(case: Case, series: Series) -> Iterator[Clue]:
    before, near = _near_onset(case, series)
    for bound in (0.0, 1.0):
        if bool((near == bound).any()) and not bool((before[-100:] == bound).any()):
            said = f"{series.name} reaches exactly {number(bound)} where it breaks"
            yield Clue("probability_saturated", _evidence(case, series, said))


def _collapsed(case: Case, series: Series) -> Iterator[Clue]:
    _, near = _near_onset(case, series)
    low = near[np.isfinite(near)]
    if len(low) and float(low.min()) < COLLAPSED:
        said = f"{series.name} is down at {number(float(low.min()))} where it breaks"
        yield Clue("variance_collapsed", _evidence(case, series, said))


def _evidence(case: Case, series: Series, statement: str) -> Evidence:
    return Evidence(statement, series.name, *case.window(series, ROWS))


_LOOKS: tuple[tuple[re.Pattern[str], Callable[[Case, Series], Iterator[Clue]]], ...] = (
    (NAN_COUNT, _counted),
    (TARGET_COUNT, _no_targets),
    (PROBABILITY, _saturated),
    (LOG_SCALE, _collapsed),
    (INACTIVE, _switched_off),
)
"""The first pattern that a name fits decides what is looked for."""
