"""A loss that is NaN or infinite."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.nonfinite_loss import detect
from tests.synthetic import Column, Columns, decay, norms, put, run_of, told

ROWS = 300
NAN, INF = np.nan, np.inf
BROKEN = put(decay(ROWS), slice(200, None), NAN)

NONE: dict[str, Columns] = {
    "finite": {"loss": decay(ROWS)},
    "huge": {"loss": put(decay(ROWS), 200, 1e300)},
    "NaN in a metric": {"loss": decay(ROWS), "accuracy": put(decay(ROWS), 200, NAN)},
    "NaN in the norm": {"loss": decay(ROWS), "grad_norm": put(norms(ROWS), 200, NAN)},
}


@pytest.mark.parametrize("columns", NONE.values(), ids=NONE)
def test_none(columns: Columns) -> None:
    assert told(list(detect(run_of(columns)))) == []


FOUND: dict[str, tuple[Columns, list[tuple[str, int, bool]]]] = {
    "to the end": ({"loss": BROKEN}, [("failure", 200, False)]),
    "from the first row": ({"loss": np.full(ROWS, NAN)}, [("failure", 0, False)]),
    "the only row": ({"loss": np.array([NAN])}, [("failure", 0, False)]),
    "the last row": ({"loss": put(decay(ROWS), -1, INF)}, [("failure", 299, False)]),
    "negative infinity": (
        {"loss": put(decay(ROWS), slice(9, None), -INF)},
        [("failure", 9, False)],
    ),
    "one row": ({"loss": put(decay(ROWS), 200, NAN)}, [("spike", 200, True)]),
    "two far apart": (
        {"loss": put(decay(ROWS), [100, 200], NAN)},
        [("spike", 100, True), ("spike", 200, True)],
    ),
    "two close together": ({"loss": put(decay(ROWS), [100, 103], NAN)}, [("spike", 100, True)]),
    "one row, then for good": (
        {"loss": put(BROKEN, 100, NAN)},
        [("spike", 100, True), ("failure", 200, False)],
    ),
    "the validation of one epoch": (
        {"loss": decay(ROWS), "val_loss": (np.arange(0, ROWS, 10), put(decay(30), 7, NAN))},
        [("warning", 70, True)],
    ),
    "validation for good": (
        {
            "loss": decay(ROWS),
            "val_loss": (np.arange(0, ROWS, 10), put(decay(30), slice(7, 30), NAN)),
        },
        [("failure", 70, False)],
    ),
    "a part of a finite total": (
        {"loss": decay(ROWS), "kl_loss": put(decay(ROWS), slice(200, None), NAN)},
        [("warning", 200, False)],
    ),
    "a generator": (
        {"G_loss": decay(ROWS), "D_loss": put(decay(ROWS), slice(200, None), NAN)},
        [("failure", 200, False)],
    ),
}


@pytest.mark.parametrize(("columns", "found"), FOUND.values(), ids=FOUND)
def test_found(columns: Columns, found: list[tuple[str, int, bool]]) -> None:
    events = list(detect(run_of(columns)))
    assert told(events) == [("nonfinite_loss", *rest) for rest in found]


def test_losses_that_only_follow_the_total_are_not_told() -> None:
    columns = {"loss": BROKEN, "val_loss": put(decay(ROWS), slice(210, None), NAN)}
    assert [event.series for event in detect(run_of(columns))] == ["loss"]


def test_a_part_that_failed_before_the_total_is_told() -> None:
    columns = {"loss": BROKEN, "kl_loss": put(decay(ROWS), slice(190, None), NAN)}
    assert {event.series for event in detect(run_of(columns))} == {"loss", "kl_loss"}


def test_an_alternating_log_does_not_flood_the_report() -> None:
    loss = put(decay(20_000), slice(0, None, 20), NAN)
    assert len(list(detect(run_of({"loss": loss})))) <= 100


EVERY = np.arange(0, ROWS, 10)


def evaluated(loss: Column, validation: Column) -> list[tuple[str | None, str, int | None]]:
    """Series, severity and step of the events of a run with an evaluation every ten rows."""
    events = detect(run_of({"loss": loss, "val_loss": (EVERY, validation)}))
    return [(event.series, event.severity.value, event.step) for event in events]


LATE = put(decay(30), slice(21, None), NAN)


def test_an_evaluation_that_outlives_the_nan_of_training_is_told() -> None:
    assert evaluated(put(decay(ROWS), 205, NAN), LATE) == [
        ("loss", "spike", 205),
        ("val_loss", "failure", 210),
    ]


@pytest.mark.parametrize("rows", [(201, 202), (100, 101, 102), (205, 250, 280)])
def test_however_training_came_back(rows: tuple[int, ...]) -> None:
    assert ("val_loss", "failure", 210) in evaluated(put(decay(ROWS), list(rows), NAN), LATE)


@pytest.mark.parametrize(
    "validation",
    [decay(30), put(decay(30), 21, NAN), put(decay(30), slice(21, 29), NAN)],
    ids=["finite", "one evaluation", "back at the end"],
)
def test_an_evaluation_that_came_back_too_is_not_told(validation: Column) -> None:
    assert evaluated(put(decay(ROWS), 205, NAN), validation) == [("loss", "spike", 205)]


def test_an_evaluation_beside_training_that_never_came_back_is_not_told() -> None:
    assert evaluated(BROKEN, LATE) == [("loss", "failure", 200)]
    assert evaluated(put(BROKEN, slice(250, 290), 0.5), LATE)[0][0] == "loss"


def test_a_part_of_the_total_does_not_outlive_it() -> None:
    columns = {
        "loss": put(decay(ROWS), 205, NAN),
        "kl_loss": put(decay(ROWS), slice(210, None), NAN),
    }
    assert {event.series for event in detect(run_of(columns))} == {"loss"}


def test_an_evaluation_without_a_training_loss() -> None:
    (event,) = detect(run_of({"val_loss": LATE}))
    assert (event.severity.value, event.recovered) == ("failure", False)
