"""Proves what a failure came from: chooses the replays, runs them, keeps the result."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gradcheck.model import Replay, RunReport, Severity
from gradcheck.watch.changes.base import Trouble
from gradcheck.watch.followed import Followed, Step
from gradcheck.watch.probe import Probe
from gradcheck.watch.replay import plan, processes, prove
from gradcheck.watch.replay.prove import FORK, LONGER, RERUN, Answers, Order, Situation
from gradcheck.watch.replay.rerun import Rerun
from gradcheck.watch.replay.snapshot import Snapshots
from gradcheck.watch.replay.verdict import Failure

ENOUGH = 5
"""Norms, or rates, from which on their median is usual."""
MOST_SAMPLES = 256
MOST_WANTED = 600.0
"""Seconds that one rerun may take where the user asked for reruns."""


@dataclass(frozen=True)
class Ways:
    """The ways in which steps can be run again."""

    snapshots: Snapshots
    rerun: Rerun | None = None
    """None where what is watched is no script or module of its own."""
    wanted: str = "auto"
    """One of them by its name, or "auto": the first that can be had."""


def run_again(ways: Ways, situation: Situation, report: RunReport) -> tuple[Replay | None, str]:
    """Run the experiments as the run allows it, and why there are none, or an empty text."""
    together = processes.communicates() or ways.snapshots.communicated
    if together is not None:
        return None, (
            f"the failing steps were not run again: {together}; to have remedies tried, watch the "
            "same script in a single process, without its launcher"
        )
    if ways.wanted in ("auto", "fork"):
        replay = by_fork(ways.snapshots, situation, report)
        if replay is not None or ways.wanted == "fork" or ways.snapshots.unavailable is None:
            return replay, ""
    if ways.wanted not in ("auto", RERUN) or ways.rerun is None:
        return None, ""
    longest = MOST_WANTED if ways.wanted == RERUN else prove.MOST_SECONDS
    return by_rerun(ways.rerun, situation, report, longest=longest)


def by_fork(
    snapshots: Snapshots, situation: Situation, report: RunReport, *, everything: bool = False
) -> Replay | None:
    """Run the experiments in forks of the snapshots; None where nothing can be run again."""
    wanted = plan.choose(report, situation.trouble, everything=everything)

    def run(order: Order) -> Mapping[str, Any] | None:
        return snapshots.run(order.last, order.message(), upto=order.upto, patience=order.patience)

    return drive(prove.experiments(situation, wanted, snapshots.before), run)


def by_rerun(
    rerun: Rerun,
    situation: Situation,
    report: RunReport,
    *,
    longest: float = prove.MOST_SECONDS,
    everything: bool = False,
) -> tuple[Replay | None, str]:
    """Run the experiments from the script's start, each at most `longest` seconds by its pace.

    Their result, and why there is none, or an empty text.
    """
    situation = replace(
        situation, method=RERUN, startup=_startup(rerun, situation), longest=longest
    )
    needed = prove.seconds(situation, 0)
    if rerun.unavailable is not None or needed > longest:
        why = rerun.unavailable or (
            f"from the start of the script that takes about {needed:.0f} s each time"
        )
        return None, f"the failing steps were not run again: {why}"

    def run(order: Order) -> Mapping[str, Any] | None:
        message = order.message()
        if order.change is not None:
            message["from"] = order.upto
        before = situation.startup + order.upto * situation.pace
        return rerun.run(order.last, message, patience=order.patience + LONGER * before)

    wanted = plan.choose(report, situation.trouble, everything=everything)
    try:
        replay = drive(prove.experiments(situation, wanted, lambda upto: 0), run)
    finally:
        rerun.close()
    return replay, "" if replay is not None else "the script could not be run again from its start"


def _startup(rerun: Rerun, situation: Situation) -> float:
    """Seconds from the script's start to its end that are no steps of the usual pace."""
    ended = situation.probe.ended
    elapsed = (time.perf_counter() if ended is None else ended) - rerun.begun
    return max(0.0, elapsed - situation.trouble.tick * situation.pace)


def drive(answers: Answers, run: Callable[[Order], Mapping[str, Any] | None]) -> Replay | None:
    """Run every order as it comes."""
    try:
        order = next(answers)
        while True:
            order = answers.send(run(order))
    except StopIteration as done:
        found: Replay | None = done.value
        return found


def of_step(probe: Probe, report: RunReport, step: Step, tick: int) -> Situation:
    """A step that was not finite."""
    failure = Failure(step.step, finite=False)
    return _situation(probe, report, failure, tick, step)


def of_crash(probe: Probe, report: RunReport, error: BaseException, tick: int) -> Situation:
    """An exception that ended the script."""
    text = f"{type(error).__name__}: {error}"[:300]
    failure = Failure(probe.optimizers.next_step(), finite=False, error=text)
    return _situation(probe, report, failure, tick)


def of_report(probe: Probe, report: RunReport) -> Situation | None:
    """A spike or divergence that the detectors saw; None where there is none."""
    steps = [
        event.step
        for event in report.events
        if event.severity.rank >= Severity.SPIKE.rank and event.step is not None
    ]
    if not steps:
        return None
    failure = Failure(min(steps), finite=True, run=report.run)
    tick = min(steps) * max(1, len(probe.optimizers))
    return _situation(probe, report, failure, tick)


def _situation(
    probe: Probe,
    report: RunReport,
    failure: Failure,
    tick: int,
    step: Step | None = None,
) -> Situation:
    per_step = max(1, len(probe.optimizers))
    begin = report.first_bad_step
    onset = failure.step if begin is None else min(begin, failure.step)
    first: Followed | None = next(iter(probe.optimizers), None)
    trail = list(first.trail) if first is not None else []
    before = [entry for entry in trail if entry[0] < onset]
    known = {at: (loss, norm) for at, loss, norm, _ in trail}
    if step is not None and not step.optimizer:
        known[step.step] = (step.loss, step.norm)
    where = report.diagnoses[0].where if report.diagnoses else None
    samples = (where.samples or ())[:MOST_SAMPLES] if where is not None else ()
    trouble = Trouble(
        tick,
        samples,
        prove.usual([norm for _, _, norm, _ in before[-50:]], ENOUGH),
        prove.usual([rate for *_, rate in before[-50:]], ENOUGH),
    )
    return Situation(
        probe,
        failure,
        trouble,
        onset * per_step,
        FORK,
        known,
        probe.seconds_a_step() / per_step,
        probe.loading.epoch,
        per_step,
        bool(step and step.skipped),
        [loss for _, loss, _, _ in before if loss is not None and math.isfinite(loss)],
    )
