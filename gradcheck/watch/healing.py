"""Lets a run go on after a step that failed: from the last good state, with a change that held."""

# mypy: allow-untyped-calls
from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck.model import Tried
from gradcheck.proving import EXAMINATIONS
from gradcheck.watch import conclusion, proof
from gradcheck.watch.changes import catalogue
from gradcheck.watch.changes.base import Change, Trouble
from gradcheck.watch.changes.several import Several
from gradcheck.watch.followed import Step
from gradcheck.watch.replay import keeping, state

if TYPE_CHECKING:
    from gradcheck.watch.session import Session

MOST = 10
"""Interventions in one run."""


class Healing:
    """Intervenes at most `MOST` times, and says each time what it does."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.count = 0
        self.in_force: list[Change] = []

    def heal(self, step: Step) -> bool:
        """Whether the run may go on: its state and what is in force are as they must be then."""
        session = self.session
        if self.count >= MOST:
            session.tell(f"healed {MOST} times already; step {step.step} is not healed any more")
            return False
        report = conclusion.report_of(session)
        if report is None:
            return False
        situation = proof.of_step(session.probe, report, step, session.snapshots.ticks)
        replay = conclusion.prove_failure(session, report, situation)
        if replay is None or not replay.reproduced:
            why = session.snapshots.unavailable or "the failure did not come back in a replay"
            session.tell(f"step {step.step} cannot be healed: {why}")
            return False
        held = [tried for tried in replay.tried if self._may_help(tried, situation.early)]
        if not held:
            session.tell(f"step {step.step} cannot be healed: no change that was tried held")
            return False
        lasting = [tried for tried in held if not catalogue.changes()[tried.change].once]
        self._apply((lasting or held)[0], situation.trouble, situation.early, step)
        return True

    def _may_help(self, tried: Tried, early: int) -> bool:
        """Whether a change held, and can be had here as it was tried: from where it began."""
        kind = catalogue.changes()[tried.change]
        known = tried.change in EXAMINATIONS or any(type(one) is kind for one in self.in_force)
        begin = 0 if kind.from_start else early
        reached = not kind.early or self.session.snapshots.before(begin) is not None
        return tried.healthy and not known and reached

    def _apply(self, best: Tried, trouble: Trouble, early: int, step: Step) -> None:
        session, probe = self.session, self.session.probe
        change = catalogue.make(best.change, probe, trouble)
        self.count += 1
        back = ""
        if change.early:
            kept = self._state(0 if change.from_start else early)
            if kept is not None:
                state.restore(probe, kept, with_generators=False)
                probe.buffers.keep()
                back = f" from the state after {kept.steps[0]} steps" if kept.steps else ""
        if not change.once:
            change.begin()
            self.in_force.append(change)
            force(session, Several(probe, trouble, self.in_force))
        session.snapshots.renew()
        what = best.action[0].lower() + best.action[1:]
        session.tell(f"step {step.step} failed; the run goes on{back}, healed: {what}")

    def _state(self, upto: int) -> state.State | None:
        """What the newest snapshot up to a tick holds."""
        snapshots = self.session.snapshots
        begin = snapshots.before(upto)
        if begin is None:
            return None
        with tempfile.TemporaryDirectory(prefix="gradcheck-") as folder:
            file = Path(folder) / keeping.FILE
            order = {"mode": "keep", "from": 0, "folder": folder}
            snapshots.run(begin - 1, order, upto=upto)
            return state.read(file) if file.is_file() else None


def force(session: Session, change: Change) -> None:
    """From now on the hooks tell this change."""
    session.probe.change = session.probe.loading.change = change
