"""Experiments with an engine that is made up: what is replayed, from where, and what it proves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck import diagnosis
from gradcheck.model import NONFINITE, Event, Kind, Replay, Role, RunReport, Severity, Trial, Tried
from gradcheck.model.inside import EARLIER, FREEZE, SKIP, SKIP_ONSET, SLOWER
from gradcheck.watch.changes import catalogue
from gradcheck.watch.changes.base import Trouble
from gradcheck.watch.replay import plan, prove, verdict
from gradcheck.watch.replay.prove import Order, Situation
from gradcheck.watch.replay.rows import Row
from gradcheck.watch.replay.verdict import Failure, Ran
from tests.causes.runs import Columns
from tests.synthetic import decay, norms, run_of
from tests.watch.changes.acting import new_probe
from tests.watch.test_proof import drifting

Answer = Mapping[str, Any] | None
STEP = 100
SAID = "ValueError: no"


def row(step: int, loss: float | None = 1.0, norm: float = 1.0, *, skipped: bool = False) -> Any:
    """As a replay tells it."""
    return [step, 0, step, None if loss is None else loss.hex(), norm.hex(), skipped]


def answer(end: str, first: int, last: int, loss: float = 1.0, **more: Any) -> dict[str, Any]:
    rows = [row(step, loss) for step in range(first, last + 1)]
    if end == "failed":
        rows[-1] = row(last, math.nan, math.nan)
    return {"end": end, "rows": rows, "sound": True, "acted": 1, **more}


CONTROL = answer("failed", 90, STEP, acted=0)
PASSED = answer("passed", 90, STEP + 25)
AGAIN = answer("failed", 90, STEP)


def situation(**more: Any) -> Situation:
    given: dict[str, Any] = {
        "probe": new_probe(),
        "failure": Failure(STEP, finite=False),
        "trouble": Trouble(STEP),
        "onset": STEP,
        "method": "fork",
        "known": dict.fromkeys(range(STEP), (1.0, 1.0)) | {STEP: (math.nan, math.nan)},
        "pace": 0.01,
        "losses": [1.0] * 30,
    }
    return Situation(**{**given, **more})


def play(
    found: Situation,
    changes: Sequence[str],
    answers: Mapping[str | None, Answer] | Callable[[Order], Answer],
    kept: Sequence[int] = (0, 50, 75, 96),
) -> tuple[Replay | None, list[Order]]:
    """Run the experiments; `kept` are the ticks of snapshots."""

    def start(tick: int) -> int | None:
        return max((at for at in kept if at <= tick), default=None)

    asked: list[Order] = []
    experiments = prove.experiments(found, changes, start)
    try:
        order = next(experiments)
        while True:
            asked.append(order)
            told = answers(order) if callable(answers) else answers[order.change]
            order = experiments.send(told)
    except StopIteration as done:
        replay: Replay | None = done.value
        return replay, asked


# ---- the control


@pytest.mark.parametrize(
    "control",
    [
        answer("passed", 90, STEP + 1, acted=0),
        answer("ended", 90, STEP - 1, acted=0),
        answer("failed", 90, STEP + 1, acted=0),
        answer("crashed", 90, STEP, acted=0, error=SAID),
    ],
    ids=["passed", "ended", "failed_later", "crashed"],
)
def test_nothing_is_tried_where_the_failure_does_not_come_back(control: Answer) -> None:
    replay, asked = play(situation(), ["skip_batch"], {None: control})
    assert replay is not None
    assert replay.reproduced is False
    assert replay.tried == ()
    assert [order.change for order in asked] == [None, None]


@pytest.mark.parametrize("answers", [None, {"fault": "ours"}], ids=["no_answer", "fault"])
def test_without_an_answer_nothing_is_told(answers: Answer) -> None:
    replay, _ = play(situation(), ["skip_batch"], {None: answers})
    assert replay is None


def test_without_a_snapshot_nothing_is_asked() -> None:
    assert play(situation(), ["skip_batch"], {}, kept=()) == (None, [])


def test_the_control_begins_early_and_falls_back_to_late() -> None:
    def told(order: Order) -> Answer:
        if order.change is not None:
            return PASSED
        return answer("passed", 80, 101, acted=0) if order.upto == 80 else CONTROL

    replay, asked = play(situation(), ["clip_gradients"], told)
    assert [(order.change, order.upto) for order in asked] == [
        (None, 80),
        (None, 98),
        ("clip_gradients", 98),  # from where the failure comes back
    ]
    assert replay is not None
    assert replay.reproduced


def test_a_control_that_failed_from_early_is_not_repeated() -> None:
    replay, asked = play(
        situation(), ["skip_batch", "clip_gradients"], {
            None: CONTROL, "skip_batch": PASSED, "clip_gradients": AGAIN,
        },
    )  # fmt: skip
    assert [order.change for order in asked] == [None, "skip_batch", "clip_gradients"]
    assert [order.upto for order in asked] == [80, 98, 80]
    assert [order.last for order in asked] == [101, 125, 125]
    assert replay is not None
    assert replay.bit_exact
    assert replay.snapshot_step == 90
    assert [one.trial.outcome for one in replay.tried] == ["prevented", "not_prevented"]


def test_a_control_that_is_not_bit_exact_says_so() -> None:
    off = answer("failed", 90, STEP, loss=1.0 + 1e-12, acted=0)
    replay, _ = play(situation(), [], {None: off})
    assert replay is not None
    assert replay.reproduced
    assert not replay.bit_exact


# ---- which trials there are, and when


def test_what_had_nothing_to_change_is_no_trial() -> None:
    idle = answer("failed", 90, STEP, acted=0)
    replay, _ = play(
        situation(), ["guard_log", "skip_batch"], {
            None: CONTROL, "guard_log": idle, "skip_batch": PASSED,
        },
    )  # fmt: skip
    assert replay is not None
    assert replay.idle == ("guard_log",)
    assert [one.change for one in replay.tried] == ["skip_batch"]


@pytest.mark.parametrize("lost", [None, {"fault": "ours"}])
def test_a_trial_without_an_answer_says_nothing(lost: Answer) -> None:
    replay, _ = play(situation(), ["skip_batch"], {None: CONTROL, "skip_batch": lost})
    assert replay is not None
    assert replay.reproduced
    assert (replay.tried, replay.idle) == ((), ())


@pytest.mark.parametrize(("kept", "tried"), [((0, 96), True), ((50, 96), False)])
def test_what_acts_before_the_first_step_needs_the_first_snapshot(
    kept: Sequence[int], tried: bool
) -> None:
    assert catalogue.changes()["scale_inputs"].from_start
    _, asked = play(situation(), ["scale_inputs"], {None: CONTROL, "scale_inputs": PASSED}, kept)
    assert [(order.change, order.upto) for order in asked[1:] if order.change] == (
        [("scale_inputs", 0)] if tried else []
    )


def test_what_would_take_too_long_is_not_tried() -> None:
    """The budget is by the pace of the run: 60 steps of 0.5 s are too many, 30 s in all."""
    slow = situation(pace=0.5)
    _, asked = play(slow, ["clip_gradients", "skip_batch"], {None: CONTROL, "skip_batch": PASSED,
                    "clip_gradients": PASSED})  # fmt: skip
    assert [order.upto for order in asked] == [98, 98, 98]
    begins = [max(at for at in (0, 50, 75, 96) if at <= order.upto) for order in asked]
    for begin in begins:
        assert (STEP + slow.horizon - begin) * slow.pace <= prove.MOST_SECONDS
    _, asked = play(situation(pace=1.0), ["skip_batch"], {None: CONTROL})
    assert asked == []


def test_patience_follows_the_pace_of_the_run() -> None:
    _, (quick, *_) = play(situation(), [], {None: CONTROL})
    _, (slow, *_) = play(situation(pace=0.1), [], {None: CONTROL})
    assert prove.SLACK < quick.patience < slow.patience < 60


def test_a_whole_epoch_is_run_where_that_is_cheap() -> None:
    assert situation(epoch=60).horizon == 62
    assert situation(epoch=60, pace=0.2).horizon == prove.HORIZON
    assert situation(epoch=60, per_step=2).horizon == 124
    assert situation(failure=Failure(STEP, finite=True, lasts=40)).horizon == 45


def test_every_tick_is_in_range() -> None:
    at_once = situation(trouble=Trouble(1), onset=0)
    assert (at_once.early, at_once.late) == (0, 0)
    _, asked = play(at_once, [], {None: answer("failed", 0, 1)})
    assert [order.upto for order in asked] == [0]  # not twice the same


# ---- ranking


def tried(change: str, outcome: str, loss: float | None = 1.0, *, healthy: bool = True) -> Tried:
    trial = Trial(outcome, 25, None if outcome == "prevented" else 101, loss)
    return Tried(change, "Do it", None, trial, healthy and outcome == "prevented")


def test_what_held_and_left_a_sound_training_comes_first() -> None:
    given = [
        tried("still", "not_prevented"),
        tried("late", "delayed"),
        tried("survivor", "prevented", 200.0, healthy=False),
        tried("high", "prevented", 2.0),
        tried("good", "prevented", 1.0),
        tried("silent", "prevented", None),
        tried("better", "prevented", 0.9),
    ]
    found = [one.change for one in prove.ranked(given)]
    assert found == ["good", "silent", "better", "high", "survivor", "late", "still"]


def test_losses_without_a_floor_do_not_rank() -> None:
    given = [tried("high", "prevented", 2.0), tried("low", "prevented", -50.0)]
    assert [one.change for one in prove.ranked(given)] == ["low", "high"]
    assert [one.change for one in prove.ranked(given, by_loss=False)] == ["high", "low"]


def test_examinations_come_after_remedies_and_are_no_measure_of_them() -> None:
    given = [
        tried("freeze_weights", "prevented", 0.1),
        tried("high", "prevented", 2.0),
        tried("low", "prevented", 1.0),
        tried("late", "delayed"),
    ]
    found = [one.change for one in prove.ranked(given)]
    assert found == ["low", "high", "freeze_weights", "late"]


outcomes = st.sampled_from(["prevented", "delayed", "not_prevented"])
numbers = st.one_of(st.none(), st.floats(-1e6, 1e6))
any_tried = st.builds(
    lambda outcome, loss, healthy: tried("x", outcome, loss, healthy=healthy),
    outcomes, numbers, st.booleans(),
)  # fmt: skip


@given(st.lists(any_tried, max_size=8), st.booleans())
def test_ranking_loses_nothing_and_is_stable(given: list[Tried], by_loss: bool) -> None:
    found = prove.ranked(given, by_loss=by_loss)
    assert sorted(map(id, found)) == sorted(map(id, given))
    assert [id(one) for one in prove.ranked(found, by_loss=by_loss)] == [id(one) for one in found]
    order = ["prevented", "delayed", "not_prevented"]
    keys = [(order.index(one.trial.outcome), not one.healthy) for one in found]
    assert keys == sorted(keys)


def test_two_rounds_are_ranked_as_one() -> None:
    one = Replay("fork", True, True, 90, (tried("a", "not_prevented"),), ("b",))
    other = Replay("fork", True, True, 90, (tried("c", "prevented"),), ("d",))
    joined = prove.joined(situation(), one, other)
    assert [t.change for t in joined.tried] == ["c", "a"]
    assert joined.idle == ("b", "d")


# ---- one trial judged


def ran(end: str, rows: Sequence[Row], **more: Any) -> Ran:
    return Ran(end, tuple(rows), more.get("sound", True), 1, more.get("error"))


def rows(last: int, *, lost: range = range(0), first: int = 95) -> list[Row]:
    return [
        Row(at, at, math.nan if at in lost else 1.0, math.nan if at in lost else 0.5, at in lost)
        for at in range(first, last + 1)
    ]


JUDGED: dict[str, tuple[Ran, str, int, int | None]] = {
    "passed": (ran("passed", rows(125)), "prevented", 26, None),
    "ended": (ran("ended", rows(103)), "prevented", 4, None),
    "failed_same": (ran("failed", rows(100)), "not_prevented", 0, 100),
    "failed_before": (ran("failed", rows(98)), "not_prevented", 0, 98),
    "failed_later": (ran("failed", rows(110)), "delayed", 10, 110),
    "crashed_same": (ran("crashed", rows(100), error=SAID), "not_prevented", 0, 100),
    "crashed_later": (ran("crashed", rows(104), error="KeyError: x"), "delayed", 4, 104),
    "unsound": (ran("passed", rows(125), sound=False), "delayed", 25, 125),
    "most_lost": (ran("passed", rows(125, lost=range(100, 120))), "not_prevented", 0, 100),
    "one_lost": (ran("passed", rows(125, lost=range(100, 101))), "prevented", 26, None),
    "late_lost": (ran("passed", rows(125, lost=range(105, 126))), "delayed", 5, 105),
}


@pytest.mark.parametrize("name", sorted(JUDGED))
def test_a_trial_is_judged(name: str) -> None:
    found, outcome, steps, returned = JUDGED[name]
    trial = verdict.judge(
        Failure(STEP, finite=False), found, Trouble(STEP), clips=False, skips=False
    )
    assert (trial.outcome, trial.steps, trial.returned_at_step) == (outcome, steps, returned)


def test_a_crash_comes_back_by_its_own_words_only() -> None:
    failure = Failure(STEP, finite=False, error=SAID)
    assert verdict.same(failure, ran("crashed", rows(100), error=SAID))
    assert not verdict.same(failure, ran("crashed", rows(100), error="ValueError: yes"))
    assert not verdict.same(failure, ran("failed", rows(100)))
    assert not verdict.same(failure, ran("passed", rows(100)))


def finite(*, spoilt: bool = False) -> Failure:
    """A run whose loss leaves for ever at the step."""
    losses = [1.0 + 0.01 * math.sin(at) for at in range(STEP)]
    losses += [10.0 * 2.0**at for at in range(26)]
    norms = [1.0 + 0.01 * math.cos(at) for at in range(STEP)] + [50.0 * 2.0**at for at in range(26)]
    run = run_of({"loss": np.array(losses), "grad_norm": np.array(norms)})
    return Failure(STEP, finite=True, run=run, spoilt=spoilt, lasts=20)


def fine(last: int, worse: float = 0.0) -> list[Row]:
    """Rows as before the trouble, and worse after it."""
    grown = {at: worse * 2.0 ** (at - STEP) for at in range(STEP, last + 1)}
    return [
        Row(
            at,
            at,
            1.0 + 0.01 * math.sin(at) + grown.get(at, 0.0),
            1.0 + 5 * grown.get(at, 0),
            False,
        )
        for at in range(80, last + 1)
    ]


def test_a_divergence_comes_back_if_the_detectors_see_one() -> None:
    assert verdict.same(finite(), ran("passed", fine(125, worse=10.0)))
    assert not verdict.same(finite(), ran("passed", fine(125)))
    assert verdict.same(finite(spoilt=True), ran("passed", fine(125), sound=False))
    assert not verdict.same(finite(), ran("passed", fine(125), sound=False))


@pytest.mark.parametrize(("worse", "outcome"), [(0.0, "prevented"), (10.0, "not_prevented")])
def test_a_trial_of_a_divergence_is_judged_by_the_detectors(worse: float, outcome: str) -> None:
    trial = verdict.judge(
        finite(), ran("passed", fine(125, worse)), Trouble(STEP), clips=False, skips=False
    )
    assert trial.outcome == outcome
    assert (trial.returned_at_step is None) is (outcome == "prevented")


# ---- what a trial is asked for


def course(*, spikes: bool = False, climbs: bool = False) -> list[Row]:
    """The rows of a replay of `finite()`: as usual, with one spike, or on its way up."""
    made = fine(STEP + 25)
    if spikes:
        made[STEP + 1 - 80] = Row(STEP + 1, STEP + 1, 90.0, 70.0, False)
    if climbs:
        made = [replace(row, loss=1.0 + 0.2 * max(0, row.step - STEP + 1)) for row in made]
    return made


WHAT_COUNTS = {
    (EARLIER, "spikes"): "not_prevented",
    (EARLIER, "climbs"): "prevented",
    (EARLIER, "usual"): "prevented",
    (FREEZE, "spikes"): "prevented",
    (FREEZE, "climbs"): "not_prevented",
    (FREEZE, "usual"): "prevented",
    ("zero_gradients", "spikes"): "not_prevented",
    ("zero_gradients", "climbs"): "not_prevented",
    ("zero_gradients", "usual"): "prevented",
    (SLOWER, "spikes"): "not_prevented",
    (SLOWER, "climbs"): "not_prevented",
}


@pytest.mark.parametrize(("change", "name"), WHAT_COUNTS)
def test_an_examination_asks_for_one_kind_of_event_and_a_remedy_for_any(
    change: str, name: str
) -> None:
    made = ran("passed", course(spikes=name == "spikes", climbs=name == "climbs"))
    found = prove._tried(situation(failure=finite()), change, made)
    assert found.trial.outcome == WHAT_COUNTS[change, name]


def test_an_examination_of_a_failure_that_is_not_finite_is_judged_like_a_remedy() -> None:
    found = prove._tried(situation(), FREEZE, ran("failed", rows(100)))
    assert found.trial.outcome == "not_prevented"


def reported(*kinds: Kind, series: str | None = "loss") -> RunReport:
    """A report with these events and no diagnosis."""
    events = tuple(Event(kind, Severity.SPIKE, series, 10, 11, recovered=True) for kind in kinds)
    return RunReport(run_of({"loss": decay(40)}), "inconclusive", 0.3, 10, events)


@pytest.mark.parametrize("kind", sorted(plan.SPIKES))
def test_earlier_weights_are_tried_on_a_spike(kind: Kind) -> None:
    assert EARLIER in plan.choose(reported(kind), Trouble(10))
    assert EARLIER in plan.choose(reported(kind, Kind.DIVERGENCE), Trouble(10))
    assert EARLIER not in plan.choose(reported(kind, series=None), Trouble(10))


@pytest.mark.parametrize("kind", sorted(NONFINITE))
def test_nor_where_something_was_not_finite(kind: Kind) -> None:
    assert EARLIER not in plan.choose(reported(kind), Trouble(10))
    assert EARLIER not in plan.choose(reported(Kind.LOSS_SPIKE, kind), Trouble(10))


def test_examinations_are_chosen_by_the_events_and_never_as_everything() -> None:
    drift, flat = reported(Kind.DIVERGENCE), reported(Kind.PLATEAU, Kind.DEAD_UNITS)
    assert {EARLIER, FREEZE} & set(plan.choose(drift, Trouble(10))) == {FREEZE}
    assert {EARLIER, FREEZE} & set(plan.choose(flat, Trouble(10))) == set()
    assert {EARLIER, FREEZE} & set(plan.choose(flat, Trouble(10), everything=True)) == set()


@pytest.mark.parametrize(("onset", "tried"), [(None, False), (10, False), (9, True), (0, True)])
def test_the_batch_of_the_onset_is_skipped_where_the_failure_came_later(
    onset: int | None, tried: bool
) -> None:
    found = plan.choose(reported(Kind.DIVERGENCE), Trouble(10, onset=onset))
    assert (SKIP_ONSET in found) is tried
    assert SKIP in found


# ---- drifts


def replayed(columns: Columns, first: int = 60) -> Ran:
    """A replay from a step on, with the numbers of a run."""
    pairs = zip(columns["loss"], columns["grad_norm"], strict=True)
    rows = [Row(at, at, float(loss), float(norm), False) for at, (loss, norm) in enumerate(pairs)]
    return Ran("passed", tuple(rows[first:]), True, 1)


def calmed() -> Columns:
    """The same run as far as step 60, and as a healthy one from there on."""
    at, falls = np.arange(200), drifting(200)["loss"]
    return {
        "loss": np.where(at < 60, falls, falls[60] + 0.02 * np.cos(at)),
        "grad_norm": norms(200),
    }


def test_a_drift_comes_back_where_it_is_the_failure_and_nowhere_else() -> None:
    run = run_of(drifting(200))
    (event,) = diagnosis.detect(run)
    assert (event.kind, event.severity, event.step) == (Kind.DIVERGENCE, Severity.WARNING, 83)
    drift = Failure(83, finite=True, run=run, drifts=True)
    assert verdict.same(drift, replayed(drifting(200)))
    assert not verdict.same(drift, replayed(calmed()))
    assert not verdict.same(Failure(83, finite=True, run=run), replayed(drifting(200)))


@pytest.mark.parametrize("helped", [False, True])
def test_a_trial_of_a_drift_is_judged_by_it(helped: bool) -> None:
    drift = Failure(83, finite=True, run=run_of(drifting(200)), drifts=True)
    again = replayed(calmed() if helped else drifting(200))
    outcome = verdict.judge(drift, again, Trouble(83)).outcome
    assert outcome == ("prevented" if helped else "not_prevented")


# ---- bits and bounds


def test_bit_for_bit() -> None:
    known = {98: (1.0, 0.5), 99: (None, 0.5), 100: (math.nan, math.nan)}
    same = [Row(98, 98, 1.0, 0.5, False), Row(99, 99, None, 0.5, False)]
    lost = Row(100, 100, math.nan, math.nan, False)
    assert verdict.exact(ran("failed", [*same, lost]), known) is True
    assert verdict.exact(ran("failed", same), known) is True
    off = Row(100, 100, 1.0, math.nan, False)
    assert verdict.exact(ran("failed", [*same, off]), known) is False
    near = Row(98, 98, math.nextafter(1.0, 2.0), 0.5, False)
    assert verdict.exact(ran("failed", [near]), known) is False
    assert verdict.exact(ran("failed", [Row(99, 99, 1.0, 0.5, False)]), known) is False
    assert verdict.exact(ran("failed", [Row(7, 7, 1.0, 0.5, False)]), known) is None


any_number = st.floats(-1e300, 1e300) | st.sampled_from([math.nan, math.inf, -math.inf])


@given(st.lists(any_number, max_size=40))
def test_the_usual_loss_lies_below_its_bound(losses: list[float]) -> None:
    found = verdict.usual_loss(losses)
    known = [loss for loss in losses if math.isfinite(loss)]
    assert (found is None) is (not known)
    if found is not None:
        middle, bound = found
        assert min(known) <= middle <= max(known)
        assert bound >= middle


def test_a_loss_is_healthy_by_those_before_it() -> None:
    usual = verdict.usual_loss([1.0, 1.1, 0.9, 1.05, 0.95] * 4)
    assert verdict.healthy(Trial("prevented", 25, None, 1.2), usual)
    assert not verdict.healthy(Trial("prevented", 25, None, 200.0), usual)
    assert not verdict.healthy(Trial("delayed", 25, 120, 1.0), usual)
    assert verdict.healthy(Trial("prevented", 25, None, None), usual)
    assert verdict.healthy(Trial("prevented", 25, None, 200.0), None)


def test_the_final_loss_is_the_median_of_the_last_finite_ones() -> None:
    losses = [9.0, 1.0, 2.0, None, math.nan, 4.0]
    made = [Row(at, at, loss, 1.0, False) for at, loss in enumerate(losses)]
    assert verdict.final_loss(ran("passed", made)) == 2.0
    assert verdict.final_loss(ran("passed", [])) is None


def test_other_optimizers_rows_are_not_read() -> None:
    told = {**PASSED, "rows": [row(1), [2, 1, 1, None, (1.0).hex(), False], row(3)]}
    found = verdict.read(told, 0)
    assert found is not None
    assert [one.step for one in found.rows] == [1, 3]
    assert [(one.step, one.place) for one in found.others] == [(1, 1)]


def of_two(worse: float, last: int = STEP + 25) -> Ran:
    """A replay in which the second optimizer does as in `fine`, and the first is as usual."""
    mine = tuple(replace(one, place=1) for one in fine(last, worse))
    return Ran("passed", mine, sound=True, acted=1, others=tuple(fine(last)))


def test_a_replay_is_judged_by_the_optimizer_that_failed() -> None:
    usual, run = fine(STEP + 25), finite().run
    assert run is not None
    lost, norm = (run.get(role) for role in (Role.LOSS, Role.GRAD_NORM))
    assert lost is not None
    assert norm is not None
    of_first = [replace(one, name=f"optimizer_0/{one.name}") for one in (lost, norm)]
    both = replace(run, series=(lost, norm, *of_first))
    series = {"loss": 1, "grad_norm": 1, "optimizer_0/loss": 0, "optimizer_0/grad_norm": 0}
    failure = replace(finite(), run=both, place=1, series=series)
    assert verdict.same(failure, of_two(10.0))
    assert not verdict.same(failure, of_two(0.0))
    swapped = Ran("passed", tuple(usual), sound=True, acted=1, others=of_two(10.0).rows)
    assert not verdict.same(replace(failure, place=0), swapped)


def test_a_replay_without_a_row_of_the_optimizer_in_question_shows_nothing() -> None:
    other = Ran("failed", (), sound=True, acted=0, others=tuple(fine(STEP)))
    assert not verdict.same(Failure(STEP, finite=False, place=1), other)
    assert not verdict.same(replace(finite(), place=1), other)


def test_what_is_usual() -> None:
    assert prove.usual([1.0, math.nan, 3.0, math.inf, 2.0], 3) == 2.0
    assert prove.usual([1.0, math.nan], 2) is None
