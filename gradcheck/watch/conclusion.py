"""Looks closer once a run is over: what ended it, what its steps hold, and what replays prove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck import diagnosis
from gradcheck.model import HEALTHY, Kind, Replay, RunReport, Severity
from gradcheck.watch import crash, proof, surveying
from gradcheck.watch.followed import Step
from gradcheck.watch.replay import descriptors, plan, processes, prove
from gradcheck.watch.replay.prove import Situation

if TYPE_CHECKING:
    from gradcheck.watch.session import Session

LOOP_IS_OVER = (
    "the failing steps were not run again: a rollback goes back within the script's own loop, "
    "which was over by then; --replay rerun runs the script again from its start"
)


def conclude(session: Session, error: BaseException | None) -> None:
    """Write what is known at the end into the record; `error` is what ended the script, if any."""
    record, probe = session.record, session.probe
    if isinstance(error, Exception):
        told = crash.message(error)
        record.say(told.said, told.text)
        session.capturing.capture(None, error)
        step = probe.optimizers.next_step()
        for observation in crash.observations(error, session.snapshots, step):
            record.observe(observation)
    session.capturing.finish()
    _tell_of_loop(session)
    cost = session.cost
    _survey(session)
    if session.manner.replay.wanted and session.healing is None and not session.proved:
        _prove(session, error)
    if session.snapshots.fault is not None:
        record.note(f"a replay was ended by a fault of gradcheck's own: {session.snapshots.fault}")
    if cost is not None:
        record.note(f"watching took {cost:.1%} of the time of the steps")


def _tell_of_loop(session: Session) -> None:
    """What was seen of the loop as a whole."""
    record, probe = session.record, session.probe
    if probe.targets.found is not None:
        record.observe(probe.targets.found)
    seen = (
        *probe.loop.observations(),
        *probe.updates.observations(),
        *probe.takeovers.other_models(),
        *session.vigil.left_out.found,
    )
    for observation in seen:
        record.observe(observation)
    if probe.grads_by_function:
        record.note(
            "no optimizer of torch's took part: losses are those of torch.autograd.grad, and "
            "neither gradients nor updates were seen"
        )


def report_of(session: Session) -> RunReport | None:
    """What the record says so far; None where it holds no run."""
    session.record.flush()
    return next(iter(diagnosis.analyze(session.record.directory).runs), None)


def _survey(session: Session) -> None:
    """Look closer at a failure that no single operation explains."""
    report = report_of(session)
    if report is None or (report.verdict == HEALTHY and report.severity is None):
        return
    onset = report.first_bad_step
    # a jump that may be harder data may as well be weights that something else wrote to
    jumps = [e for e in report.events if e.kind is Kind.LOSS_SPIKE]
    still = not jumps and all(e.severity is Severity.WARNING for e in report.events)
    if onset is None and report.events:
        worst = [e for e in report.events if e.severity is report.severity]
        onset = next(e.step for e in [*(e for e in jumps if e in worst), *worst])
    report = replace(report, first_bad_step=onset)
    located = any(d.where for d in report.diagnoses[:1])
    if located and "float_overflowed" not in session.told:
        return
    look = (
        surveying.at_end(session.probe, session.snapshots)
        if still
        else surveying.observations(session.probe, session.snapshots, report)
    )
    for observation in look:
        session.record.observe(observation)


def _prove(session: Session, error: BaseException | None) -> None:
    """Run the failing steps again, to see what keeps the failure away."""
    report = report_of(session)
    if report is None:
        return
    found: Situation | None
    if session.failed is not None:
        found = proof.of_step(session.probe, report, *session.failed)
    elif isinstance(error, Exception):
        found = proof.of_crash(session.probe, report, error, session.snapshots.ticks)
    else:
        found = proof.of_report(session.probe, report)
    if found is not None:
        prove_failure(session, report, found)


def prove_failure(session: Session, report: RunReport, found: Situation) -> Replay | None:
    """Run the experiments, and again those that their result suggests; write what they showed."""
    tried = plan.choose(report, found.trouble, everything=session.manner.replay.everything)
    replay, why = _run_again(session, found, tried)
    if why:
        session.record.note(why)
    if replay is None:
        return None
    session.record.prove(replay)
    again = report_of(session) if replay.reproduced else None
    if again is not None:  # what was seen may have brought another cause to the fore
        more = [name for name in plan.choose(again, found.trouble) if name not in tried]
        further = _run_again(session, found, more)[0] if more else None
        if further is not None:
            replay = prove.joined(found, replay, further)
            session.record.prove(replay)
    return replay


def _run_again(
    session: Session, found: Situation, changes: Sequence[str]
) -> tuple[Replay | None, str]:
    """Run experiments by the first way that the run allows; why there are none, or nothing."""
    method, snapshots = session.manner.replay.method, session.snapshots
    together = _together(session)
    if together is not None:
        return None, (
            f"the failing steps were not run again: {together}; to have remedies tried, watch the "
            "same script in a single process, without its launcher"
        )
    if method in (None, prove.FORK):
        replay = proof.by_fork(snapshots, found, changes)
        if replay is not None or snapshots.unavailable is None:
            return replay, ""
        if method is not None:
            return None, f"the failing steps were not run again: {snapshots.unavailable}"
    if method not in (None, prove.RERUN):
        return None, LOOP_IS_OVER
    if session.rerun is None:
        return None, ""
    longest = proof.MOST_WANTED if method == prove.RERUN else prove.MOST_SECONDS
    return proof.by_rerun(session.rerun, found, changes, longest=longest)


def _together(session: Session) -> str | None:
    """Why this process cannot run its steps again without the others that it works with."""
    return processes.communicates() or session.snapshots.communicated


def begin_rollback(session: Session, step: Step) -> bool:
    """Start the experiments within the script's own loop; False where that is not to be."""
    rollback = session.rollback
    if not rollback.enabled or session.healing is not None or _together(session) is not None:
        return False
    written = descriptors.leads_out(session.record.directory)
    if written is not None and session.manner.replay.method is None:
        return False  # a trial would write there; the script is run again from its start instead
    if written is not None:
        session.record.note(f"the trials ran in place, and may have written to {written}")
    report = report_of(session)
    if report is None:
        return False
    found = proof.of_step(session.probe, report, step, session.snapshots.ticks)
    found = replace(found, method="rollback")
    tried = plan.choose(report, found.trouble, everything=session.manner.replay.everything)
    answers = prove.experiments(found, tried, rollback.before)
    return rollback.begin(answers, session.snapshots.ticks)
