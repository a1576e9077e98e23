"""A loss that does not move."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.plateau import detect
from tests.synthetic import Columns, constant, decay, norms, put, run_of, scale, steady, told

ROWS = 300
FROZEN = np.concatenate([decay(60, end=1.5), steady(240, usual=1.5, noise=0.005)])
AT_CHANCE: Columns = {
    "loss": np.concatenate([[13_100.0, 40.0], steady(ROWS - 2, usual=1.95, noise=0.002)]),
    "acc": (np.arange(0, ROWS, 10), steady(30, usual=0.14, noise=0.05)),
}

NONE: dict[str, Columns] = {
    "no loss": {"grad_norm": norms(ROWS)},
    "twenty flat rows": {"loss": steady(20, noise=0.001)},
    "learning": {"loss": decay(ROWS)},
    "learning in noise": {"loss": decay(ROWS, noise=0.3)},
    "learning a little": {"loss": np.linspace(7.0, 6.6, ROWS) * steady(ROWS, noise=0.005)},
    "learning very little": {"loss": np.linspace(7.0, 6.75, ROWS) * steady(ROWS, noise=0.001)},
    "cut off in its warm-up": {
        "loss": (10.9 - 0.2 * (np.arange(100) / 100) ** 2) * steady(100, noise=0.001)
    },
    "converged": {"loss": FROZEN},
    "flat with a NaN": {"loss": put(steady(ROWS, noise=0.001), 200, np.nan)},
    "zero": {"loss": np.zeros(ROWS)},
    "at the floor of all data at once": {"loss": put(constant(60, 0.3412), slice(0, 20), 0.9)},
    "the same in the few digits that are written": {"loss": constant(20, 0.0002)},
    "seven equal rows": {"loss": constant(7, 0.69315)},
    "half and half, in its warm-up": {
        "loss": steady(12, usual=0.6931, noise=1e-4),
        "accuracy": steady(12, usual=0.5, noise=0.02),
        "lr": np.linspace(1e-5, 1e-3, 12),
    },
    "at chance, and falling": {
        "loss": np.linspace(2.3026, 2.2, 12),
        "accuracy": steady(12, usual=0.1, noise=0.02),
    },
    "generator": {"G_loss": steady(ROWS, noise=0.01), "D_loss": steady(ROWS, noise=0.01)},
    "critic": {"train/value_loss": steady(ROWS, noise=0.05)},
    "converged at the end of a schedule": {
        "loss": np.concatenate([decay(220), steady(80, usual=0.5, noise=0.005)]),
        "lr": 1e-3 * np.linspace(1.0, 0.0, ROWS) ** 3,
    },
    "at its floor, the temperature within its range": {
        "loss": np.append([6.0, 5.0], steady(ROWS - 2, usual=4.16, noise=1e-5)),
        "logit_scale": decay(ROWS, start=14.0, end=5.0),
    },
    "a temperature that a schedule takes away, and a loss that was learned away": {
        "loss": np.append(np.geomspace(2.3, 0.1, 100), steady(200, usual=0.1, noise=1e-3)),
        "temperature": np.append(np.geomspace(1.0, 1e-4, 100), np.full(200, 1e-4)),
    },
    "a temperature that left its range, and a loss that goes on": {
        "loss": decay(ROWS),
        "logit_scale": np.append(np.geomspace(14.0, 2e-4, 30), np.full(ROWS - 30, 2e-4)),
    },
    "fell at once, and is right": {
        "loss": AT_CHANCE["loss"],
        "acc": (np.arange(0, ROWS, 10), constant(30, 0.93)),
    },
    "fell at once, and grows better": {
        "loss": AT_CHANCE["loss"],
        "acc": (np.arange(0, ROWS, 10), np.linspace(0.14, 0.4, 30)),
    },
    "fell at once, nobody knows": {"loss": AT_CHANCE["loss"]},
    "falls on, at chance": {"loss": decay(ROWS), "acc": AT_CHANCE["acc"]},
    "noise in which nobody sees a fall": {"loss": norms(ROWS, usual=5e7, noise=2.5)},
    "diverging": {"loss": np.linspace(1.0, 5.0, ROWS)},
    "a spike in a run that learns": {"loss": scale(decay(ROWS), 150, 10.0)},
}


@pytest.mark.parametrize("columns", NONE.values(), ids=NONE)
def test_none(columns: Columns) -> None:
    assert told(list(detect(run_of(columns)))) == []


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6, -1.0])
@pytest.mark.parametrize("rows", [40, 300, 10_000])
def test_a_loss_that_never_moves(rows: int, unit: float) -> None:
    loss = steady(rows, usual=0.693, noise=0.003) * unit
    assert told(list(detect(run_of({"loss": loss})))) == [("plateau", "warning", 0, False)]


@pytest.mark.parametrize("before", [[], [0.68, 2.5, 5.3, 1.0, 10.7]])
def test_few_rows_that_are_the_same_to_all_digits(before: list[float]) -> None:
    loss = np.concatenate([before, constant(12, 0.6931)])
    assert told(list(detect(run_of({"loss": loss})))) == [("plateau", "warning", 0, False)]


@pytest.mark.parametrize("classes", [2, 4, 10, 1000])
def test_few_rows_of_a_model_that_guesses(classes: int) -> None:
    run = run_of(
        {
            "loss": steady(12, usual=float(np.log(classes)), noise=1e-4),
            "accuracy": steady(12, usual=1 / classes, noise=0.02),
        }
    )
    assert told(list(detect(run))) == [("plateau", "warning", 0, False)]


def test_a_constant_loss() -> None:
    assert len(list(detect(run_of({"loss": constant(100, 2.3)})))) == 1


def test_a_loss_that_stands_still_since_the_rate_collapsed() -> None:
    rate = np.concatenate([constant(60), constant(240, 1e-9)])
    ((kind, severity, step, recovered),) = told(list(detect(run_of({"loss": FROZEN, "lr": rate}))))
    assert (kind, severity, recovered) == ("plateau", "warning", False)
    assert step is not None
    assert abs(step - 60) <= 2


def test_a_loss_that_fell_at_once_to_what_a_constant_guess_costs() -> None:
    ((kind, severity, step, _),) = told(list(detect(run_of(AT_CHANCE))))
    assert (kind, severity) == ("plateau", "warning")
    assert step is not None
    assert 2 <= step <= 20


def test_equal_scores_cost_the_same_for_good() -> None:
    """The temperature is gone: whatever the model learns, its loss stays the logarithm of 64."""
    run = run_of(
        {
            "loss": np.append(
                np.geomspace(6.0, 4.16, 20), steady(ROWS - 20, usual=4.16, noise=1e-5)
            ),
            "logit_scale": np.append(np.geomspace(14.0, 2e-4, 30), np.full(ROWS - 30, 2e-4)),
        }
    )
    ((kind, severity, first, recovered),) = told(list(detect(run)))
    assert (kind, severity, recovered) == ("plateau", "warning", False)
    assert first is not None
    assert 15 <= first <= 40
