"""When did it go wrong: at once, after the first update, or out of the blue?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.robust import finite, log_positive, noise
from gradcheck.model import Evidence, Kind, Role, Series
from gradcheck.wording import count, number

CLUES = {
    "nonfinite_at_first_row": ClueKind("the very first row is already NaN or infinite"),
    "nonfinite_on_resume": ClueKind("non-finite in the first row after a resume, finite before it"),
    "log_starts_late": ClueKind(
        "non-finite from the first row of a log that begins at a late step"
    ),
    "nonfinite_after_first_row": ClueKind("the first row is finite, the second is not"),
    "sudden_nonfinite": ClueKind("nothing unusual in the rows before the first NaN or infinity"),
    "blow_up_from_start": ClueKind("the loss rises by orders of magnitude within the first rows"),
}
FEW_ROWS = 5
EARLY_ROWS = 10
BLOW_UP = 5.0
LATE = 10
"""Rows that would have come before the first one, where a log begins late."""
NONFINITE = (
    Kind.NONFINITE_LOSS,
    Kind.NONFINITE_GRADIENT,
    Kind.MASKED_NONFINITE,
    Kind.NONFINITE_WEIGHTS,
)


def observe(case: Case) -> Iterator[Clue]:
    """Place the onset in the run."""
    series, onset = case.loss, case.onset
    if onset is None or series is None or not case.failed:
        return
    row = case.onset_row(series)
    if _is_validation(case) and not _fails_with_it(series, row):
        return
    if onset.kind in NONFINITE:
        yield from _nonfinite(case, series, row)
    elif row <= EARLY_ROWS and onset.kind is Kind.DIVERGENCE:
        yield from _blow_up(case, series, row)


def _is_validation(case: Case) -> bool:
    named = {series.name for series in case.run.every(Role.VALIDATION_LOSS)}
    return (
        case.onset is not None
        and case.onset.series in named
        and case.run.get(Role.LOSS) is not None
    )


def _fails_with_it(series: Series, row: int) -> bool:
    """Whether the next row of the training loss is no better: an epoch ends with an evaluation."""
    return not bool(np.isfinite(series.value[row : row + 2]).all())


def _nonfinite(case: Case, series: Series, row: int) -> Iterator[Clue]:
    assert case.onset is not None
    masked = case.onset.kind is Kind.MASKED_NONFINITE
    what = "loss" if masked or case.onset.kind is Kind.NONFINITE_LOSS else "gradient norm"
    value = number(case.onset.value) if case.onset.value is not None else "nan"
    value = "0 (a NaN that was not written)" if masked else value
    if _is_first_of_a_file(case, series, row):
        said = (
            f"the {what} is {value} in the first row after the run was resumed; it had been finite"
        )
        yield Clue("nonfinite_on_resume", _evidence(case, series, said))
        return
    late = bool(series.step[0] > LATE * case.cadence)
    if row == 0 and (_began_finite(case, series) or (late and case.run.format == "text")):
        return  # an average is logged later than its parts; a text may be cut out of a longer one
    if row == 0:
        said = f"the {what} is {value} in the first row of the log, before anything was learned"
        yield Clue("nonfinite_at_first_row", _evidence(case, series, said))
        if late:
            said = (
                f"the log begins at step {series.step[0]}: a resumed run, whose checkpoint "
                "may be bad"
            )
            yield Clue("log_starts_late", _evidence(case, series, said))
    elif row == 1:
        said = (
            f"the loss of the first row is {number(float(series.value[0]))}, the {what} of the "
            f"next is {value}"
        )
        yield Clue(
            "nonfinite_after_first_row",
            _evidence(case, series, said),
            1.0 if case.every_step else 0.5,
        )
    elif row >= FEW_ROWS:
        yield from _sudden(case, series, what, value)


def _began_finite(case: Case, series: Series) -> bool:
    """Whether another loss was logged before the first row, and was finite."""
    return any(
        bool(np.isfinite(other.value[other.order < series.order[0]]).any())
        for other in case.run.every(Role.LOSS)
        if other.name != series.name
    )


def _is_first_of_a_file(case: Case, series: Series, row: int) -> bool:
    if row == 0 or row >= len(series):
        return False
    before, now = int(series.order[row - 1]), int(series.order[row])
    return any(before < start <= now for start in case.run.resumed_at)


def _sudden(case: Case, series: Series, what: str, value: str) -> Iterator[Clue]:
    before = finite(case.before(series))
    if len(before) < FEW_ROWS or _is_rising(before):
        return
    low, high = number(float(before.min())), number(float(before.max()))
    said = (
        f"for {count(len(before), 'row')} before it the loss stayed between {low} and {high}; "
        f"the {what} turned {value} in one row"
    )
    # between two sparse rows a ramp has room to hide
    yield Clue("sudden_nonfinite", _evidence(case, series, said), 1.0 if case.every_step else 0.6)


def _is_rising(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    """Whether the last rows leave the noise of the rows before them, or rise without a break."""
    if bool((np.diff(values[-4:]) > 0).all()) and values[-1] > 2 * values[-4] > 0:
        return True
    logs = log_positive(values) if bool((values > 0).all()) else values
    head, last = logs[:-2], logs[-2:]
    spread = max(noise(logs), 0.02 * float(np.abs(head).max()))
    return float(last.min()) > float(head.max()) + 2 * spread


def _blow_up(case: Case, series: Series, row: int) -> Iterator[Clue]:
    after = finite(series.value[row : row + EARLY_ROWS])
    first = float(series.value[0])
    if not len(after) or not np.isfinite(first) or float(after.max()) < BLOW_UP * abs(first):
        return
    said = (
        f"the loss starts at {number(first)} and is at {number(float(after.max()))} within "
        f"{count(row + len(after), 'row')} of the start"
    )
    yield Clue("blow_up_from_start", _evidence(case, series, said))


def _evidence(case: Case, series: Series, statement: str) -> Evidence:
    first, last = case.window(series)
    return Evidence(statement, series.name, first, last)
