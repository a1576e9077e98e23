"""What replays say of causes: a repair that held speaks for one, one that failed against it."""

from __future__ import annotations

import dataclasses

import pytest

from gradcheck import proving, weighing
from gradcheck.case import Clue
from gradcheck.clues.replayed import CALM
from gradcheck.model import Diagnosis, Evidence, Remedy, Replay, Trial, Tried
from gradcheck.model.inside import FASTER, SKIP_ONSET, SLOWER
from gradcheck.weight_table import causes
from tests.reports.conftest import nan_input

CLUES = [
    Clue("log_of_zero_ran", Evidence("log ran on 0", None, 30, 30)),
    Clue("division_by_zero_ran", Evidence("0 / 0 ran", None, 30, 30)),
]


def tried(change: str, outcome: str, *, healthy: bool | None = None) -> Tried:
    returned = {"prevented": None, "delayed": 140, "not_prevented": 100}[outcome]
    fine = outcome == "prevented" if healthy is None else healthy
    return Tried(change, f"Do {change}", None, Trial(outcome, 25, returned, 0.5), fine)


def replay(*given: Tried, reproduced: bool = True, idle: tuple[str, ...] = ()) -> Replay:
    return Replay("fork", reproduced, reproduced, 90, given, idle)


SAID = {
    "held": (replay(tried("guard_log", "prevented")), proving.SPECIFIC_HELD, "gone for 25 steps"),
    "late": (replay(tried("guard_log", "delayed")), proving.LATER, "was back at step 140"),
    "failed": (
        replay(tried("guard_log", "not_prevented"), tried("guard_division", "prevented")),
        proving.FAILED,
        "was still there",
    ),
    "all_failed": (replay(tried("guard_log", "not_prevented")), proving.LATER, "was still there"),
}


@pytest.mark.parametrize("name", sorted(SAID))
def test_what_came_of_a_repair(name: str) -> None:
    found, weight, said = SAID[name]
    proof = proving.of_cause(("guard_log", "lower_learning_rate"), found)
    assert proof is not None
    assert proof.weight == weight
    assert said in proof.evidence.statement


def test_a_general_repair_says_less() -> None:
    proof = proving.of_cause(
        ("lower_learning_rate",), replay(tried("lower_learning_rate", "prevented"))
    )
    assert proof is not None
    assert 0 < proof.weight == proving.GENERAL_HELD < proving.SPECIFIC_HELD


STOOD_STILL = {
    "float32": proving.LEARNS,
    FASTER: proving.LEARNS,
    SLOWER: proving.GENERAL_HELD,
}


@pytest.mark.parametrize("change", sorted(STOOD_STILL))
def test_what_made_a_run_learn_says_most_where_little_else_does(change: str) -> None:
    found = dataclasses.replace(replay(tried(change, "prevented")), stalled=True)
    proof = proving.of_cause((change,), found)
    assert proof is not None
    assert proof.weight == STOOD_STILL[change]
    failed = dataclasses.replace(replay(tried(change, "not_prevented")), stalled=True)
    assert proving.of_cause((change,), failed) is None


@pytest.mark.parametrize(
    ("change", "steps", "weight"),
    [
        (SKIP_ONSET, CALM - 1, proving.FAILED),  # the trouble just went on
        (SKIP_ONSET, CALM, proving.LATER),
        ("guard_log", CALM - 1, proving.LATER),
    ],
)
def test_a_batch_that_was_left_out_is_to_blame_if_it_was_calm_for_a_while(
    change: str, steps: int, weight: float
) -> None:
    late = tried(change, "delayed")
    late = dataclasses.replace(late, trial=dataclasses.replace(late.trial, steps=steps))
    proof = proving.of_cause((change,), replay(late))
    assert proof is not None
    assert proof.weight == weight


NOTHING = {
    "no_replay": None,
    "not_reproduced": replay(tried("guard_log", "prevented"), reproduced=False),
    "not_tried": replay(tried("guard_sqrt", "prevented")),
    "general_beside_own": replay(tried("lower_learning_rate", "prevented")),
    "survived_unsoundly": replay(tried("guard_log", "prevented", healthy=False)),
    "idle": replay(idle=("guard_log",)),  # it may not reach the place: that refutes nothing
    "idle_but_irreproducible": replay(reproduced=False, idle=("guard_log",)),
}


@pytest.mark.parametrize("name", sorted(NOTHING))
def test_nothing_is_proved(name: str) -> None:
    assert proving.of_cause(("guard_log", "lower_learning_rate"), NOTHING[name]) is None


def test_a_cause_without_trials_is_not_proved() -> None:
    assert proving.of_cause((), replay(tried("guard_log", "prevented"))) is None


def shares(found: Replay | None) -> dict[str, float]:
    return dict(weighing.weigh(CLUES, "failed", replay=found).probability)


def test_a_cause_gains_by_its_repair_and_loses_without() -> None:
    assert "guard_log" in causes()["log_of_zero"].trials
    plain = shares(None)["log_of_zero"]
    assert shares(replay(tried("guard_log", "prevented")))["log_of_zero"] > plain
    assert shares(replay(tried("guard_log", "not_prevented")))["log_of_zero"] < plain / 3
    assert shares(replay(tried("guard_log", "delayed")))["log_of_zero"] < plain
    assert shares(replay(tried("guard_log", "prevented"), reproduced=False)) == shares(None)


def test_what_a_trial_rules_out_is_told_with_the_trial() -> None:
    """A cause for which a clue spoke, and whose repair did not help."""
    found = replay(tried("guard_log", "prevented"), tried("guard_division", "not_prevented"))
    weighed = weighing.weigh(CLUES, "failed", replay=found)
    rejected = {one.cause: one.because for one in weighing._ruled_out(weighed, "log_of_zero")}
    assert "division_by_zero" in rejected
    assert "run again with one change (guard division)" in rejected["division_by_zero"]


# ---- remedies


def test_the_repair_of_a_clear_cause_comes_first() -> None:
    (first, *_) = nan_input().diagnoses
    clear = dataclasses.replace(first, cause="missing_zero_grad", confidence=0.9)
    found = replay(
        tried("clip_gradients", "prevented"),
        tried("zero_gradients", "prevented"),
        tried("skip_batch", "not_prevented"),
    )

    def order(told: Diagnosis, of: Replay) -> list[str]:
        shown = proving.ordered(of, [told])
        return [] if shown is None else [one.change for one in shown.tried]

    assert order(clear, found) == ["zero_gradients", "clip_gradients", "skip_batch"]
    assert order(dataclasses.replace(clear, confidence=0.6), found)[0] == "clip_gradients"
    unsound = replay(
        tried("clip_gradients", "prevented"), tried("zero_gradients", "prevented", healthy=False)
    )
    assert order(clear, unsound)[0] == "clip_gradients"
    assert proving.ordered(None, [clear]) is None


def test_remedies_are_in_the_order_that_trials_suggest() -> None:
    (first, *rest) = nan_input().diagnoses
    first = dataclasses.replace(
        first,
        remedies=(
            Remedy("Untried", None),
            Remedy("Known", None, change="without_samples"),
        ),
    )
    found = replay(
        tried("without_samples", "prevented"),
        tried("skip_batch", "prevented", healthy=False),
        tried("clip_gradients", "not_prevented"),
    )
    best, *others = proving.with_trials([first, *rest], found)
    assert [one.action for one in best.remedies] == [
        "Known", "Untried", "Do skip_batch", "Do clip_gradients",
    ]  # fmt: skip
    assert [one.trial is not None for one in best.remedies] == [True, False, True, True]
    assert others == rest
    assert proving.with_trials([first], None) == (first,)
    assert proving.with_trials([first], replay(reproduced=False)) == (first,)
    assert proving.with_trials([], found) == ()


@pytest.mark.parametrize("change", ["guard_log", "guard_exponential"])
def test_a_guard_that_leaves_a_finite_trouble_says_nothing(change: str) -> None:
    """It keeps numbers finite; how large they are is no matter of its own."""
    found = dataclasses.replace(replay(tried(change, "not_prevented")), finite=True)
    assert proving.of_cause((change,), found) is None
    other = dataclasses.replace(replay(tried("hold_scalars", "not_prevented")), finite=True)
    assert proving.of_cause(("hold_scalars",), other) is not None
