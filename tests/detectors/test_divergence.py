"""Divergence: a loss that ends far above its best, or falls without a floor."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from gradcheck.detectors.divergence import detect
from gradcheck.model import Observation, Replay, Run, Trial, Tried
from tests.synthetic import (
    Column,
    Columns,
    clues_of,
    decay,
    grow,
    norms,
    put,
    run_of,
    scale,
    steady,
    told,
)

ROWS = 400

NONE: dict[str, Columns] = {
    "no loss": {"grad_norm": grow(norms(ROWS), 300, 1.2)},
    "four rows": {"loss": np.array([1.0, 2.0, 4.0, 8.0])},
    "falling": {"loss": decay(ROWS)},
    "a spike that came back": {"loss": scale(decay(ROWS), slice(300, 320), 30.0)},
    "a spike in the last row": {"loss": scale(decay(ROWS), 399, 30.0)},
    "NaN out of the blue": {"loss": put(decay(ROWS), slice(300, None), np.nan)},
    "a tenth above the best": {"loss": np.concatenate([decay(300), np.linspace(0.5, 0.55, 100)])},
    "negative and level": {"loss": np.minimum(decay(ROWS), 1.0) - 5.0},
    "negative and falling steadily": {"loss": -np.linspace(1.0, 20.0, ROWS)},
    "generator": {
        "G_loss": np.linspace(0.7, 9.0, ROWS) * norms(ROWS, usual=1.0),
        "D_loss": decay(ROWS),
    },
    "critic of growing returns": {
        "train/value_loss": np.linspace(0.1, 50.0, ROWS) * norms(ROWS, usual=1.0),
    },
    "a part of a falling total": {
        "loss": decay(ROWS) + 2.0,
        "kl_loss": np.linspace(0.01, 1.0, ROWS),
    },
    "validation that overfits": {"loss": decay(ROWS), "val_loss": np.linspace(0.5, 3.0, ROWS)},
}


@pytest.mark.parametrize("columns", NONE.values(), ids=NONE)
def test_none(columns: Columns) -> None:
    assert told(list(detect(run_of(columns)))) == []


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(
    ("rows", "at", "factor"), [(20, 12, 2.0), (60, 40, 1.3), (ROWS, 350, 1.2), (5000, 4000, 1.01)]
)
def test_a_loss_that_ends_far_above_its_best(
    rows: int, at: int, factor: float, unit: float
) -> None:
    loss = grow(decay(rows, noise=0.02), at, factor) * unit
    ((kind, severity, step, recovered),) = told(list(detect(run_of({"loss": loss}))))
    assert (kind, severity, recovered) == ("divergence", "failure", False)
    assert step is not None
    assert abs(step - at) <= max(3, rows // 40)


FAILED: dict[str, tuple[Columns, int]] = {
    "from the first row": ({"loss": 1.5 ** np.arange(40.0)}, 1),
    "into NaN": (
        {"loss": np.concatenate([decay(300), 0.5 * 2.0 ** np.arange(1, 8), [np.nan] * 20])},
        301,
    ),
    "of twenty rows into NaN": (
        {"loss": np.concatenate([decay(12, noise=0.01), [2.0, 9.0, 80.0], [np.nan] * 5])},
        12,
    ),
    "a negative loss that turns positive": (
        {"loss": np.concatenate([decay(300) - 3.0, np.linspace(-2.0, 9.0, 100)])},
        300,
    ),
    "a negative loss that runs away downwards": (
        {"loss": -0.1 - 1.03 ** np.arange(400.0)},
        100,
    ),
    "up at once, then a frozen plateau": (
        {"loss": np.concatenate([[0.7, 30.0, 45.0], norms(200, usual=12.0, noise=0.02)])},
        1,
    ),
    "a second whole loss beside the first": (
        {
            "loss": decay(ROWS),
            "train/loss_epoch": (
                np.arange(0, ROWS, 10),
                np.concatenate([decay(25), 3.0 * norms(15, usual=1.0, noise=0.02)]),
            ),
        },
        250,
    ),
}


@pytest.mark.parametrize(("columns", "at"), FAILED.values(), ids=FAILED)
def test_failures(columns: Columns, at: int) -> None:
    ((kind, severity, step, recovered),) = told(list(detect(run_of(columns))))
    assert (kind, severity, recovered) == ("divergence", "failure", False)
    assert step is not None
    assert abs(step - at) <= 12


def test_a_loss_whose_objective_was_reweighted_is_a_warning() -> None:
    rising = np.concatenate([decay(200), np.linspace(0.5, 3.0, 200)])
    beta = np.concatenate([np.zeros(199) + 0.01, np.linspace(0.01, 1.0, 201)])
    events = list(detect(run_of({"loss": rising, "beta": beta})))
    assert [event.severity.value for event in events] == ["warning"]
    events = list(detect(run_of({"loss": rising, "gamma": beta})))
    assert [event.severity.value for event in events] == ["failure"]


def test_an_adversarial_loss_must_explode_to_count() -> None:
    exploded = np.concatenate([steady(200, noise=0.2), np.geomspace(1.0, 1e8, 100)])
    columns = {"G_loss": exploded, "D_loss": steady(300, noise=0.2)}
    assert [event.severity.value for event in detect(run_of(columns))] == ["failure"]


@pytest.mark.parametrize("rows", [400, 2000])
def test_a_loss_that_explodes_in_the_last_eight_rows(rows: int) -> None:
    loss = grow(decay(rows), rows - 8, 2.0)
    assert [event.severity.value for event in detect(run_of({"loss": loss}))] == ["failure"]


def test_a_loss_beyond_all_units_has_diverged_before_its_first_row() -> None:
    frozen = np.concatenate([[2e25, 3e17], np.full(23, 5.5e10)])
    assert told(list(detect(run_of({"loss": frozen}))))[0][:2] == ("divergence", "failure")
    prices = np.linspace(4e10, 1e9, 25)
    assert list(detect(run_of({"loss": prices}))) == []


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_a_noisy_loss_that_goes_back_to_its_first_level_for_good(unit: float) -> None:
    """A classifier that swings by factors and then sits on the logarithm of its classes."""
    loss = np.concatenate([decay(300, noise=0.6), steady(300, usual=2.3, noise=0.01)]) * unit
    ((kind, severity, step, recovered),) = told(list(detect(run_of({"loss": loss}))))
    assert (kind, severity, recovered) == ("divergence", "failure", False)
    assert step is not None and abs(step - 300) <= 50


@pytest.mark.parametrize("seed", range(5))
def test_a_noisy_loss_that_stays_down_has_not_diverged(seed: int) -> None:
    loss = np.concatenate([decay(300, seed, noise=0.6), steady(300, seed, usual=0.5, noise=0.6)])
    assert told(list(detect(run_of({"loss": loss})))) == []


def test_parts_and_games_may_rise_for_good() -> None:
    risen = np.concatenate([decay(300, noise=0.3), steady(300, usual=2.3, noise=0.1)])
    falling = decay(600, start=9.0, end=3.0)
    assert told(list(detect(run_of({"loss": falling, "kl_loss": risen})))) == []
    assert told(list(detect(run_of({"G_loss": risen, "D_loss": steady(600)})))) == []


@pytest.mark.parametrize("rows", [8, 12, 20, 40])
def test_a_few_noisy_rows_are_no_divergence(rows: int) -> None:
    """A mean of 32 squares swings by half of itself; of 200 such runs few may look like one."""
    draw = np.random.default_rng(rows)
    swings = draw.chisquare(32, size=(200, rows)) / 32
    told_of = sum(bool(list(detect(run_of({"loss": loss})))) for loss in swings)
    assert told_of <= 4


# ---- a loss that goes up with the size of its batches


def replayed(
    columns: Columns, *, ratio: float = 1.25, outcome: str = "not_prevented", **more: Any
) -> Run:
    """A watched run whose batches grew by `ratio`, replayed without any update."""
    seen = [Observation("batch_grew", "", 100, values={"ratio": ratio})]
    seen += [Observation(key, "", 100) for key in more.get("seen", ())]
    frozen = Tried("freeze_weights", "", None, Trial(outcome, 25), healthy=False)
    tried = (frozen, *more.get("tried", ()))
    replay = Replay("fork", True, True, 0, tried) if more.get("replay", True) else None
    return dataclasses.replace(run_of(columns), observations=tuple(seen), replay=replay)


def rising(jump: float) -> Columns:
    after = np.geomspace(jump, jump * 50, ROWS - 100)
    return {"loss": np.concatenate([steady(100), after]) * norms(ROWS, usual=1.0, noise=0.01)}


HELD = Tried("clip_gradients", "", None, Trial("prevented", 25))


def severities(run: Run) -> list[str]:
    return [event.severity.value for event in detect(run)]


def test_one_that_grows_with_its_batches_is_no_failure() -> None:
    assert severities(replayed(rising(1.5))) == ["warning"]


@pytest.mark.parametrize(
    "run",
    [
        replayed(rising(1.5), replay=False),
        replayed(rising(1.5), outcome="prevented"),
        replayed(rising(1.5), tried=(HELD,)),
        replayed(rising(1.5), seen=("target_stands_out",)),
        replayed(rising(1.5), seen=("batch_stands_out",)),
        replayed(rising(9.0)),
        dataclasses.replace(replayed(rising(1.5)), observations=()),
    ],
    ids=["unproved", "training", "repaired", "targets", "inputs", "more_than_size", "same_size"],
)
def test_one_that_rises_otherwise_is(run: Run) -> None:
    assert severities(run) == ["failure"]


SEEN_NEGATED = (Observation("loss_negated", "", 0),)
DOWN = -0.7 * np.linspace(1.0, 6.0, ROWS) * norms(ROWS, usual=1.0, noise=0.02)


def test_the_negative_of_an_error_that_runs_down() -> None:
    assert severities(run_of({"loss": DOWN})) == []
    run = dataclasses.replace(run_of({"loss": DOWN}), observations=SEEN_NEGATED)
    assert [(e.severity.value, e.step) for e in detect(run)] == [("failure", 0)]


@pytest.mark.parametrize(
    "values",
    [-steady(ROWS), -0.7 * np.linspace(1.0, 3.0, ROWS), -norms(ROWS), DOWN[:14]],
    ids=["flat", "not far", "noisy", "few rows"],
)
def test_the_negative_of_an_error_that_does_not(values: Column) -> None:
    run = dataclasses.replace(run_of({"loss": values}), observations=SEEN_NEGATED)
    assert severities(run) == []


# ---- ever faster below 0


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e4])
def test_what_falls_more_in_every_eighth_of_the_run_has_no_floor(unit: float) -> None:
    loss = -unit * (10.0 + np.linspace(0.0, 36.0, ROWS) ** 2 + norms(ROWS, usual=0.1))
    ((kind, severity, step, recovered),) = told(list(detect(run_of({"loss": loss}))))
    assert (kind, severity, recovered) == ("divergence", "failure", False)
    assert step is not None
    assert 30 < step < 120


@pytest.mark.parametrize(
    "loss",
    [
        -200.0 * np.log1p(np.linspace(0.0, 30.0, ROWS)) + 2.0,
        -np.linspace(0.1, 900.0, ROWS),
        4.0 - np.linspace(0.0, 5.0, ROWS) ** 2,
        -10.0 - 1200.0 / (1 + np.exp(-np.linspace(-6.0, 6.0, ROWS))),
    ],
    ids=["a likelihood that slows down", "in equal steps", "not far", "until it is fitted"],
)
def test_what_falls_far_without_speeding_up_is_no_divergence(loss: Column) -> None:
    assert told(list(detect(run_of({"loss": loss})))) == []


# ---- another task, which is learned as well

FALLS = [np.geomspace(4.0, 0.005, 150), np.geomspace(3.0, 0.008, 150), np.geomspace(2.4, 0.6, 100)]
LEVELS = np.concatenate(FALLS) * norms(ROWS, usual=1.0, noise=0.05)
ANYWAY = (
    Tried("earlier_weights", "", None, Trial("not_prevented", 0), healthy=False),
    Tried("skip_batch", "", None, Trial("not_prevented", 0), healthy=False),
)


LEFT = Tried("freeze_weights", "", None, Trial("prevented", 25, None, 3.1), healthy=False)
SKIPPED = Tried("skip_batch", "", None, Trial("prevented", 25, None, 1.2), healthy=False)


def shown(*tried: Tried, seen: str = "batch_ordinary") -> Run:
    replay = Replay("fork", True, True, 0, tried)
    found = (Observation(seen, "", 150),)
    return dataclasses.replace(run_of({"loss": LEVELS}), observations=found, replay=replay)


def test_levels_of_a_curriculum_are_no_failure() -> None:
    assert severities(shown(*ANYWAY)) == ["warning"]
    # where noise hides from the detectors what came back in a replay, its loss tells
    assert severities(shown(LEFT, SKIPPED)) == ["warning"]


@pytest.mark.parametrize(
    "run",
    [
        run_of({"loss": LEVELS}),
        shown(),
        shown(dataclasses.replace(ANYWAY[0], trial=Trial("prevented", 25)), ANYWAY[1]),
        shown(
            ANYWAY[0], dataclasses.replace(ANYWAY[1], trial=Trial("prevented", 25), healthy=True)
        ),
        shown(dataclasses.replace(LEFT, trial=Trial("prevented", 25, None, 0.006)), SKIPPED),
        shown(*ANYWAY, seen="target_stands_out"),
        dataclasses.replace(
            shown(*ANYWAY), series=run_of({"loss": np.append(FALLS[0], steady(250))}).series
        ),
    ],
    ids=[
        "unknown",
        "untried",
        "weights",
        "one batch",
        "calm without updates",
        "bad targets",
        "not learned",
    ],
)
def test_what_may_be_a_failure_is_one(run: Run) -> None:
    assert severities(run) == ["failure"]


FROZEN = tuple(
    Tried(change, "", None, Trial("not_prevented", 0, 150, 1100.0), healthy=False)
    for change in ("freeze_weights", "earlier_weights")
)
LEAP = np.append(decay(150, start=100.0, end=20.0), np.linspace(400.0, 80.0, 250))


def leapt(loss: Column, *tried: Tried, seen: str = "batch_ordinary") -> Run:
    replay = Replay("fork", True, True, 0, tried)
    found = (Observation(seen, "", 150),)
    return dataclasses.replace(run_of({"loss": loss}), observations=found, replay=replay)


def test_a_leap_that_comes_without_training_and_is_worked_off() -> None:
    """Another weight of a term: what no update at all would cost is far above what it costs."""
    assert severities(leapt(LEAP, *FROZEN)) == []


@pytest.mark.parametrize(
    "run",
    [
        leapt(LEAP),
        leapt(LEAP, FROZEN[0]),
        leapt(LEAP, *FROZEN, seen="target_stands_out"),
        leapt(LEAP, *FROZEN, seen="weights_written_outside"),
        leapt(np.append(LEAP[:150], np.full(250, 1000.0)), *FROZEN),
        leapt(np.append(LEAP[:150] / 1e3, LEAP[150:]), *FROZEN),
    ],
    ids=["untried", "half tried", "bad targets", "damage", "not worked off", "far above"],
)
def test_a_leap_that_may_be_a_failure(run: Run) -> None:
    assert severities(run) == ["failure"]


def test_a_loss_far_below_all_units_exploded_before_the_log_shows_it() -> None:
    size = 10.0 ** np.random.default_rng(3).uniform(16, 27, 150)
    run = run_of({"train/Loss": np.append([283.0], -size)})
    assert severities(run) == ["failure"]
    assert "fell_without_floor" in clues_of(run)


def test_a_blow_that_the_run_never_shook_off() -> None:
    course = np.concatenate([decay(109, start=3.8, end=2.1), [18.8, 9.0, 4.0]])
    run = run_of({"loss": np.append(course, norms(28, usual=3.0, noise=0.02))})
    assert severities(run) == ["failure"]


def test_a_harder_task_is_another_loss() -> None:
    course = np.concatenate([decay(150, end=0.01), decay(150, 3, start=1.0, end=0.8)])
    horizon = np.repeat([5.0, 10.0], 150)
    assert severities(run_of({"loss": course})) == ["failure"]
    assert severities(run_of({"loss": course, "horizon": horizon})) == []
    thrown = np.append(course[:220], steady(80, usual=4.0))
    (event,) = detect(run_of({"loss": thrown, "horizon": horizon}))
    assert event.step == 220


# ---- terms that are weighed anew

RISING = np.concatenate([decay(60, start=98.0, end=29.0), np.linspace(40.0, 75.0, 140)])
KL = np.concatenate([np.linspace(3.0, 357.0, 60), np.geomspace(60.0, 7.0, 140)])
WITH_PENALTY = np.concatenate([decay(100, start=0.6, end=0.2), 0.2 + np.linspace(0.0, 0.3, 100)])
PENALTY = np.concatenate([np.zeros(100), np.linspace(0.0, 0.3, 100)])


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"loss": RISING}, "failure"),
        ({"loss": RISING, "kl_loss": KL}, "warning"),
        ({"loss": RISING, "kl_loss": 7.0 * np.ones(200)}, "failure"),
        ({"loss": RISING, "kl_loss": KL[::-1].copy()}, "failure"),
        ({"loss": RISING * np.append(np.ones(60), 50 * np.ones(140)), "kl_loss": KL}, "failure"),
        ({"loss": put(RISING, slice(190, None), np.nan), "kl_loss": KL}, "failure"),
        ({"loss": WITH_PENALTY}, "failure"),
        ({"loss": WITH_PENALTY, "l1": PENALTY}, "warning"),
        ({"loss": WITH_PENALTY, "l1": PENALTY + 0.1}, "failure"),
        ({"loss": WITH_PENALTY, "l1": 30 * PENALTY}, "failure"),
    ],
)
def test_a_total_may_rise_where_its_terms_are_weighed_anew(columns: Columns, expected: str) -> None:
    assert severities(run_of(columns)) == [expected]


def test_a_loss_that_falls_faster_and_faster_has_no_floor() -> None:
    rows = np.arange(72)
    fall = -80.0 * (1 + rows / 12) ** 1.8 * np.exp(0.05 * np.random.default_rng(1).normal(size=72))
    assert severities(run_of({"loss": fall})) == ["failure"]
    slower = -1500.0 * np.log1p(rows / 9) - 80.0
    assert severities(run_of({"loss": slower})) == []


UNLEARNED = np.concatenate(
    [[1.71, 1.19, 0.57, 0.84, 1.42, 1.78], norms(60, usual=1.61, noise=0.004)]
)
GUESSING = np.concatenate([[0.35, 0.45, 0.76, 0.71, 0.39, 0.21], norms(60, usual=0.2, noise=0.02)])


def test_what_was_learned_is_lost_with_the_accuracy() -> None:
    (event,) = detect(run_of({"loss": UNLEARNED, "accuracy": GUESSING}))
    assert (event.severity.value, event.step) == ("failure", 4)


@pytest.mark.parametrize("right", [{}, {"accuracy": np.linspace(0.3, 0.95, len(UNLEARNED))}])
def test_a_game_that_ends_in_a_draw_lost_nothing(right: dict[str, Column]) -> None:
    """A domain that can no longer be told costs what it did at first."""
    assert not list(detect(run_of({"loss": UNLEARNED, **right})))
