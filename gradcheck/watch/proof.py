"""Proves what a failure came from: chooses the replays, runs them, keeps the result."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gradcheck.model import (
    HEALTHY,
    STANDSTILL,
    Kind,
    Replay,
    Role,
    Run,
    RunReport,
    Series,
    Severity,
)
from gradcheck.watch import rows, tensors
from gradcheck.watch.changes.base import Trouble
from gradcheck.watch.followed import Step
from gradcheck.watch.probe import Probe
from gradcheck.watch.replay import prove, verdict
from gradcheck.watch.replay.prove import FORK, LONGER, RERUN, Answers, Order, Situation
from gradcheck.watch.replay.rerun import Rerun
from gradcheck.watch.replay.snapshot import Snapshots
from gradcheck.watch.replay.verdict import Failure

LONGEST = 100
"""Steps that a replay of a run that learns nothing has to show, at most."""
STALLED = 20
"""Steps without which nobody can say that a run stands still."""
FELL = 0.5
"""Share of the first loss that is left where a run has learned something."""
ENOUGH = 5
"""Norms, or rates, from which on their median is usual."""
MOST_SAMPLES = 256
MOST_WANTED = 600.0
"""Seconds that one rerun may take where the user asked for reruns."""


def by_fork(snapshots: Snapshots, situation: Situation, changes: Sequence[str]) -> Replay | None:
    """Run the experiments in forks of the snapshots; None where nothing can be run again."""

    def run(order: Order) -> Mapping[str, Any] | None:
        return snapshots.run(order.last, order.message(), upto=order.upto, patience=order.patience)

    return drive(prove.experiments(situation, changes, snapshots.before), run)


def by_rerun(
    rerun: Rerun,
    situation: Situation,
    changes: Sequence[str],
    *,
    longest: float = prove.MOST_SECONDS,
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

    replay = drive(prove.experiments(situation, changes, lambda upto: 0), run)
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
    failure = Failure(step.step, finite=False, place=step.optimizer)
    return _situation(probe, report, failure, tick, step)


def of_crash(probe: Probe, report: RunReport, error: BaseException, tick: int) -> Situation:
    """An exception that ended the script."""
    text = f"{type(error).__name__}: {error}"[:300]
    failure = Failure(probe.optimizers.next_step(), finite=False, error=text)
    return _situation(probe, report, failure, tick)


def of_report(probe: Probe, report: RunReport) -> Situation | None:
    """A spike or divergence that the detectors saw; None where there is none."""
    events = [event for event in report.events if event.step is not None and event.step >= 0]
    grave = [event for event in events if event.severity.rank >= Severity.SPIKE.rank]
    drifts = not grave and report.verdict != HEALTHY
    if drifts:
        grave = [event for event in events if event.kind is Kind.DIVERGENCE]
    if not grave:
        return _of_stall(probe, report)
    optimizers, series = probe.optimizers, _measured(probe, report.run)
    placed = [(series.get(event.series or "", 0), event) for event in grave]
    tick, place = min(
        (optimizers.tick_of(place, event.step or 0), place) for place, event in placed
    )
    here = [event for at, event in placed if at == place]
    first = min(event.step or 0 for event in here)
    last = max(event.last_step or 0 for event in here if event.step == first)
    failure = Failure(
        first,
        finite=True,
        run=report.run,
        spoilt=not _sound(probe),
        drifts=drifts,
        place=place,
        series=series,
    )
    lasts = verdict.rows_needed(failure, last)
    return _situation(probe, report, replace(failure, lasts=lasts), tick)


def _measured(probe: Probe, run: Run | None) -> Mapping[str, int]:
    """The series of losses and gradient norms that go on to the end, by the optimizer's place.

    What was called otherwise while there was but one optimizer is no longer measured.
    """
    newest: dict[tuple[int, Role], Series] = {}
    for one in run.series if run is not None else ():
        place = rows.place_of(one.name, probe.optimizers.loss_names)
        if place is not None and len(one):
            old = newest.get((place, one.role))
            if old is None or one.step[-1] > old.step[-1]:
                newest[place, one.role] = one
    return {one.name: place for (place, _), one in newest.items()}


def _of_stall(probe: Probe, report: RunReport) -> Situation | None:
    """A run that learns nothing, from its start; None where nothing is amiss."""
    still = [event for event in report.events if event.kind in STANDSTILL]
    series = _measured(probe, report.run)
    place = next((series.get(event.series or "", 0) for event in still), 0)
    trail = list(probe.optimizers.trails.get(place, []))
    losses = [one.loss for one in trail if one.loss is not None]
    if report.verdict == HEALTHY or not report.diagnoses or len(losses) < STALLED:
        return None
    shown = min(len(losses), LONGEST)
    level = statistics.median(losses[shown - STALLED // 2 : shown])
    if not still and abs(level) < FELL * abs(losses[0]):
        return None  # it learned
    begin, lasts = trail[0], shown - STALLED
    failure = Failure(
        begin.step, finite=True, stalled_at=level, lasts=lasts, place=place, series=series
    )
    return _situation(probe, report, failure, begin.tick)


def _sound(probe: Probe) -> bool:
    names = probe.optimizers.names
    return tensors.all_finite([*names.parameters().values(), *names.buffers().values()])


def _situation(
    probe: Probe,
    report: RunReport,
    failure: Failure,
    tick: int,
    step: Step | None = None,
) -> Situation:
    optimizers = probe.optimizers
    per_step = optimizers.ticks_a_step(failure.place)
    begin = report.first_bad_step
    onset = failure.step if begin is None else min(begin, failure.step)
    begun = min(optimizers.tick_of(failure.place, onset), tick)
    trail = list(optimizers.trails.get(failure.place, ()))
    before = [one for one in trail if one.step < onset]
    known = {one.step: (one.loss, one.norm) for one in trail}
    if step is not None:
        known[step.step] = (step.loss, step.gradient)
    where = report.diagnoses[0].where if report.diagnoses else None
    samples = (where.samples or ())[:MOST_SAMPLES] if where is not None else ()
    trouble = Trouble(
        tick,
        samples,
        prove.usual([one.norm for one in before[-50:]], ENOUGH),
        prove.usual([one.rate for one in before[: max(ENOUGH, len(before) // 2)]], ENOUGH),
        begun,
    )
    return Situation(
        probe,
        failure,
        trouble,
        begun,
        FORK,
        known,
        probe.seconds_a_step() / optimizers.ticks_a_step(0),
        probe.loading.epoch,
        per_step,
        bool(step and step.skipped),
        [one.loss for one in before if one.loss is not None and math.isfinite(one.loss)],
    )
