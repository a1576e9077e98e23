"""Proves what a failure came from: chooses the replays, runs them, keeps the result."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gradcheck.model import Replay, RunReport, Severity
from gradcheck.watch import tensors
from gradcheck.watch.changes.base import Trouble
from gradcheck.watch.followed import Step
from gradcheck.watch.probe import Probe
from gradcheck.watch.replay import prove
from gradcheck.watch.replay.prove import Answers, Order, Situation
from gradcheck.watch.replay.snapshot import Snapshots
from gradcheck.watch.replay.verdict import Failure

LONGEST = 100
"""Steps after the first bad one that a replay has to show, at most."""
ENOUGH = 5
"""Norms, or rates, from which on their median is usual."""
MOST_SAMPLES = 256


def by_fork(snapshots: Snapshots, situation: Situation, changes: Sequence[str]) -> Replay | None:
    """Run the experiments in forks of the snapshots; None where nothing can be run again."""

    def run(order: Order) -> Mapping[str, Any] | None:
        return snapshots.run(order.last, order.message(), upto=order.upto, patience=order.patience)

    return drive(prove.experiments(situation, changes, snapshots.before), run)


def drive(answers: Answers, run: Callable[[Order], Mapping[str, Any] | None]) -> Replay | None:
    """Run every order as it comes."""
    try:
        order = next(answers)
        while True:
            order = answers.send(run(order))
    except StopIteration as done:
        found: Replay | None = done.value
        return found


def of_step(
    probe: Probe, report: RunReport, step: Step, tick: int, *, method: str = "fork"
) -> Situation:
    """A step that was not finite."""
    failure = Failure(step.step, finite=False)
    return _situation(probe, report, failure, tick, method, step)


def of_crash(
    probe: Probe, report: RunReport, error: BaseException, tick: int, *, method: str = "fork"
) -> Situation:
    """An exception that ended the script."""
    text = f"{type(error).__name__}: {error}"[:300]
    failure = Failure(probe.optimizers.next_step(), finite=False, error=text)
    return _situation(probe, report, failure, tick, method)


def of_report(probe: Probe, report: RunReport, *, method: str = "fork") -> Situation | None:
    """A spike or divergence that the detectors saw; None where there is none."""
    steps = [
        event.step
        for event in report.events
        if event.severity.rank >= Severity.SPIKE.rank and event.step is not None and event.step >= 0
    ]
    if not steps:
        return None
    first = min(steps)
    last = max(e.last_step or e.step or 0 for e in report.events if e.step == first)
    failure = Failure(
        first,
        finite=True,
        run=report.run,
        spoilt=not _sound(probe),
        lasts=min(last - first, LONGEST),
    )
    tick = min(steps) * probe.optimizers.together
    return _situation(probe, report, failure, tick, method)


def _sound(probe: Probe) -> bool:
    names = probe.optimizers.names
    return tensors.all_finite([*names.parameters().values(), *names.buffers().values()])


def _situation(
    probe: Probe,
    report: RunReport,
    failure: Failure,
    tick: int,
    method: str,
    step: Step | None = None,
) -> Situation:
    per_step = probe.optimizers.together
    begin = report.first_bad_step
    onset = failure.step if begin is None else min(begin, failure.step)
    trail = list(probe.optimizers.trail)
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
        prove.usual([rate for *_, rate in before[: max(ENOUGH, len(before) // 2)]], ENOUGH),
    )
    return Situation(
        probe,
        failure,
        trouble,
        onset * per_step,
        method,
        known,
        probe.seconds_a_step() / per_step,
        probe.loading.epoch,
        per_step,
        bool(step and step.skipped),
        [loss for _, loss, _, _ in before if loss is not None and math.isfinite(loss)],
    )
