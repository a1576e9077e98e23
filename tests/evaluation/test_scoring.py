"""The figures of hand-made predictions are those worked out by hand."""

from __future__ import annotations

import math

import pytest

from gradcheck.model import HEALTHY, INCONCLUSIVE, Family
from tests.evaluation.made_up import prediction, truth
from tests.evaluation.scoring import (
    brier,
    calibration_error,
    confusion,
    reliability,
    score,
    steps_off,
)

DATA, LOSS, GRAD = "bad_data", "unstable_loss", "exploding_gradients"
STALLED = "stalled_training"


OUTLIER = truth("a", DATA, "outlier_batch", window=(40, 50), cadence=5)
EMPTY = truth("b", DATA, "empty_targets", window=(40, 40), cadence=1)
ASCENT = truth("c", GRAD, "gradient_ascent", window=(10, 30))
ROOT = truth("d", LOSS, "undefined_gradient", window=(9, 9))
DEAD = truth("e", STALLED, "dead_units", window=(0, 100))
SOUND = truth("f")

FAILING = [
    # decided and right, cause first; 5 steps early with a row every 5 steps
    prediction(OUTLIER, DATA, {DATA: 0.9, LOSS: 0.1}, ["outlier_batch"], step=35),
    # decided and right, cause third; a step late, in the next row
    prediction(
        EMPTY, DATA, {DATA: 0.8}, ["outlier_batch", "recurring_bad_batch", "empty_targets"], step=41
    ),
    # decided and wrong; within the window
    prediction(ASCENT, LOSS, {LOSS: 0.8, GRAD: 0.2}, ["unbounded_loss"], step=30),
    # inconclusive, the true family second; 3 steps late with a row each step
    prediction(ROOT, INCONCLUSIVE, {DATA: 0.5, LOSS: 0.4}, ["outlier_batch"], step=12),
    # inconclusive, the true family third, no step
    prediction(ROOT, INCONCLUSIVE, {DATA: 0.4, GRAD: 0.3, LOSS: 0.2}, ["gradient_ascent"]),
    # seen by an event alone: detected, with no step to tell
    prediction(EMPTY, HEALTHY, {DATA: 0.3}, severity="warning"),
    # not seen at all
    prediction(ASCENT, HEALTHY, {}, severity=None),
    # a stall is decided, and has no first step
    prediction(DEAD, STALLED, {STALLED: 0.8}, ["vanishing_gradients", "dead_units"], step=90),
]
HEALTHY_ONES = [
    prediction(SOUND, HEALTHY, {DATA: 0.1}, severity=None),
    prediction(SOUND, HEALTHY, {DATA: 0.1}, severity="warning"),
    prediction(SOUND, INCONCLUSIVE, {DATA: 0.6}, severity="failure"),
    prediction(SOUND, DATA, {DATA: 0.8}, severity="spike"),
]


def test_the_figures_of_failing_runs() -> None:
    found = score(FAILING + HEALTHY_ONES)
    assert (found.failing, found.healthy) == (8, 4)
    assert found.recall == 7 / 8
    assert found.decided == 4 / 8
    assert found.family == 3 / 4
    assert found.family_of_all == 3 / 8
    assert found.cause == 1 / 4
    assert found.cause_top3 == 3 / 4
    assert found.inconclusive == 2 / 8
    assert found.among_two == 1 / 2
    # 35, 41 and 30 are right; 12 is late, two have no step; neither the stall nor the unseen count
    assert found.first_step == 3 / 6


def test_false_alarms() -> None:
    found = score(FAILING + HEALTHY_ONES)
    assert found.alarms_failure == found.alarms_spike == found.alarms_warning == 1 / 4
    assert found.alarms_verdict == 1 / 4


def test_without_runs_there_is_no_figure() -> None:
    found = score([])
    assert (found.failing, found.healthy) == (0, 0)
    figures = {k: v for k, v in vars(found).items() if k not in ("failing", "healthy")}
    assert all(math.isnan(value) for value in figures.values())


@pytest.mark.parametrize(
    ("step", "off"), [(35, 5), (40, 0), (45, 0), (50, 0), (57, 7), (None, None)]
)
def test_steps_off_the_window(step: int | None, off: int | None) -> None:
    assert steps_off(prediction(OUTLIER, DATA, {DATA: 0.9}, step=step)) == off


def test_a_healthy_run_has_no_step_to_be_off() -> None:
    assert steps_off(prediction(SOUND, DATA, {DATA: 0.9}, step=3)) is None


@pytest.mark.parametrize(("step", "right"), [(34, 0.0), (35, 1.0), (55, 1.0), (56, 0.0)])
def test_the_first_step_may_be_one_logged_row_off(step: int, right: float) -> None:
    assert score([prediction(OUTLIER, DATA, {DATA: 0.9}, step=step)]).first_step == right


# 0.9 right, 0.94 wrong (one bin); 0.75 right; 0.3 wrong; healthy ones are not told
TOLD = [
    prediction(OUTLIER, DATA, {DATA: 0.9, LOSS: 0.1}),
    prediction(ASCENT, LOSS, {LOSS: 0.94, GRAD: 0.06}),
    prediction(EMPTY, DATA, {DATA: 0.75, LOSS: 0.05}),
    prediction(ROOT, INCONCLUSIVE, {GRAD: 0.35, LOSS: 0.25}),
    prediction(SOUND, HEALTHY, {DATA: 0.2}),
]


def test_reliability_by_hand() -> None:
    low, middle, high = reliability(TOLD)
    assert (low.confidence, low.right, low.share) == pytest.approx((0.35, 0.0, 0.25))
    assert (middle.confidence, middle.right, middle.share) == pytest.approx((0.75, 1.0, 0.25))
    assert (high.confidence, high.right, high.share) == pytest.approx((0.92, 0.5, 0.5))


def test_calibration_error_by_hand() -> None:
    expected = 0.25 * 0.35 + 0.25 * 0.25 + 0.5 * (0.92 - 0.5)
    assert calibration_error(TOLD) == pytest.approx(expected)


def test_a_confidence_of_one_is_in_the_last_bin() -> None:
    (only,) = reliability([prediction(OUTLIER, DATA, {DATA: 1.0})])
    assert only.right == only.share == 1.0


def test_brier_by_hand() -> None:
    errors = [
        0.1**2 + 0.1**2,
        0.94**2 + 0.94**2,
        0.25**2 + 0.05**2 + 0.2**2,
        0.35**2 + 0.75**2 + 0.4**2,
    ]
    assert brier(TOLD) == pytest.approx(sum(errors) / 4)


def test_a_healthy_run_is_best_left_to_none_of_these() -> None:
    accused = prediction(SOUND, INCONCLUSIVE, {DATA: 0.6, LOSS: 0.1})
    assert brier([accused]) == pytest.approx(0.6**2 + 0.1**2 + 0.7**2)


def test_confusion_counts_every_run() -> None:
    table = confusion(FAILING + HEALTHY_ONES)
    assert sum(table.values()) == 12
    assert table[DATA, DATA] == 2
    assert table[GRAD, LOSS] == table[HEALTHY, INCONCLUSIVE] == 1
    assert {truth for truth, _ in table} <= {family.value for family in Family} | {HEALTHY}
