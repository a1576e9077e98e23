"""Looks closer once a run is over: what ended it, what its steps hold, and what replays prove."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck import diagnosis
from gradcheck.model import HEALTHY, RunReport, Severity
from gradcheck.watch import crash, proof, surveying
from gradcheck.watch.replay import plan, prove
from gradcheck.watch.replay.prove import Situation

if TYPE_CHECKING:
    from gradcheck.watch.session import Session


def conclude(session: Session, error: BaseException | None) -> None:
    """Write what is known at the end into the record; `error` is what ended the script, if any."""
    record, probe = session.record, session.probe
    if isinstance(error, Exception):
        told = crash.message(error)
        record.say(told.said, told.text)
        step = probe.optimizers.next_step()
        for observation in crash.observations(error, session.snapshots, step):
            record.observe(observation)
    if probe.targets.found is not None:
        record.observe(probe.targets.found)
    for observation in (*probe.loop.observations(), *session.left_out):
        record.observe(observation)
    if probe.grads_by_function:
        record.note(
            "no optimizer of torch's took part: losses are those of torch.autograd.grad, and "
            "neither gradients nor updates were seen"
        )
    cost = session.cost
    _survey(session)
    if session.replay.wanted:
        _prove(session, error)
    if cost is not None:
        record.note(f"watching took {cost:.1%} of the time of the steps")


def _report(session: Session) -> RunReport | None:
    session.record.flush()
    return next(iter(diagnosis.analyze(session.record.directory).runs), None)


def _survey(session: Session) -> None:
    """Look closer at a failure that no single operation explains."""
    report = _report(session)
    if report is None or (report.verdict == HEALTHY and report.severity is None):
        return
    onset = report.first_bad_step
    if onset is None and report.events:
        onset = report.events[0].step
    report = replace(report, first_bad_step=onset)
    located = any(d.where for d in report.diagnoses[:1])
    if located and "float_overflowed" not in session.told:
        return
    still = all(e.severity is Severity.WARNING for e in report.events)
    look = (
        surveying.at_end(session.probe, session.snapshots)
        if still
        else surveying.observations(session.probe, session.snapshots, report)
    )
    for observation in look:
        session.record.observe(observation)


def _prove(session: Session, error: BaseException | None) -> None:
    """Run the failing steps again, to see what keeps the failure away."""
    report = _report(session)
    if report is None:
        return
    found: Situation | None
    if session.failed is not None:
        found = proof.of_step(session.probe, report, *session.failed)
    elif isinstance(error, Exception):
        found = proof.of_crash(session.probe, report, error, session.snapshots.ticks)
    else:
        found = proof.of_report(session.probe, report)
    if found is None:
        return
    everything = session.replay.everything
    tried = plan.choose(report, found.trouble, everything=everything)
    replay = proof.by_fork(session.snapshots, found, tried)
    if replay is None:
        return
    session.record.prove(replay)
    again = _report(session) if replay.reproduced else None
    if again is not None:  # what was seen may have brought another cause to the fore
        more = [c for c in plan.choose(again, found.trouble) if c not in tried]
        further = proof.by_fork(session.snapshots, found, more) if more else None
        if further is not None:
            session.record.prove(prove.joined(replay, further))
