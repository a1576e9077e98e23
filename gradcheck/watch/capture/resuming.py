"""Begins a run with a capture: state, random numbers and batches are put in place unseen.

Three moments, those at which captures are made. A script with a DataLoader gets all when it asks
for the first batch of its training. A loop that makes its batches itself takes one step of its own
first, which is not recorded: the end of a step is the only moment that is common to such loops, and
the random state of that moment decides what they draw. A failure in the very first step begins
where the optimizer was made.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.amp.grad_scaler import GradScaler

from gradcheck.watch.capture import files, fitting
from gradcheck.watch.capture.files import AFTER, BATCH, MADE, STEP, Capture
from gradcheck.watch.capture.fitting import Misfit
from gradcheck.watch.capture.given import source
from gradcheck.watch.followed import Taken
from gradcheck.watch.guard import Stop
from gradcheck.watch.loop import LoopChecks
from gradcheck.watch.replay import state
from gradcheck.watch.replay.generators import set_generators
from gradcheck.watch.replay.recorded import Given, without

if TYPE_CHECKING:
    from gradcheck.watch.session import Session


_LONGEST = 300


class Resuming:
    """Puts a capture in place, once; where it does not fit, the run ends."""

    def __init__(self, session: Session, capture: Capture, name: str) -> None:
        self.session, self.capture, self.name = session, capture, name
        self.pending = True
        """Until it is in place: what the script does so far is none of the run."""
        self.refused: str | None = None
        """Why it does not fit."""
        self._left = deque(capture.batches)
        self._ticks = 0

    # ---- moments

    def created(self) -> None:
        """An optimizer was made."""
        if self.pending and self.capture.moment == MADE:
            self._put()

    def fetching(self, iterator: Any) -> None:
        """A batch is asked for."""
        if not (self.pending and self.capture.moment == BATCH and torch.is_grad_enabled()):
            return
        made = len(self.session.probe.optimizers) >= len(self.capture.kinds.optimizers) > 0
        if made and any(source(iterator) == one.source for one in self._left):
            self._put()

    def boundary(self) -> bool:
        """A step is over; whether it was none of the run."""
        if not self.pending:
            return False
        if self.capture.moment != STEP:
            sources = ", ".join(sorted({str(one.source) for one in self.capture.batches}))
            self._refuse(f"no loader like that of the capture ({sources}) gave the first batch")
        self._ticks += 1
        if self._ticks >= len(self.session.probe.optimizers):
            self._put()
        return True

    def given(self, iterator: Any, batch: Any) -> Given | None:
        """The captured batch for the one that a loader gave; None where it stays."""
        if self.pending or not self._left:
            return None
        mine = next((one for one in self._left if one.source == source(iterator)), None)
        if mine is None or not torch.is_grad_enabled():
            return None
        self._left.remove(mine)
        with self._fitting():
            fitted = fitting.batch(mine.batch, batch)
        set_generators(mine.generators)
        indices = mine.indices
        if indices is not None:
            kept = self.session.probe.loading.indices(indices)
            fitted, indices = without(fitted, indices, kept), list(kept)
        return Given(mine.tick, mine.source, fitted, indices, mine.generators)

    # ---- putting it in place

    def _put(self) -> None:
        session, probe, kept = self.session, self.session.probe, self.capture.state
        with self._fitting():
            fitting.check(self.capture, probe)
            self._scalers()
            state.restore(probe, kept)
        tensors = state.tensors(probe)
        for name, gradient in self.capture.gradients.items():
            if name in tensors and tensors[name].shape == gradient.shape:
                tensors[name].grad = gradient.to(tensors[name].device, copy=True)
        for followed in probe.optimizers:
            followed.steps = followed.begun_at = 0
            followed.history.clear()
            followed.trail.clear()
        probe.optimizers.reached = probe.optimizers.ticks = 0
        probe.loop = LoopChecks()
        probe.buffers.keep()
        self.pending = False
        self._tell()
        self._tell_before()
        session.snapshots.renew()
        session.snapshots.ticks = session.snapshots.taken = 0
        session.snapshots.start()  # a replay goes on from here
        session.rollback.renew()

    def _scalers(self) -> None:
        """Loss scalers are known to the watch once they have taken a step: search for others."""
        states = [dict(one) for one in self.capture.state.scalers if one is not None]
        if not states:
            return
        import gc  # noqa: PLC0415 - slow, and for this alone

        # the type, not isinstance: a proxy's __class__ may run the script's code
        found: list[Any] = [o for o in gc.get_objects() if issubclass(type(o), GradScaler)]
        found = [scaler for scaler in found if scaler.is_enabled()]
        if not found:
            raise Misfit("it has the state of a GradScaler, and the script made none")
        for at, scaler in enumerate(found):
            scaler.load_state_dict(states[min(at, len(states) - 1)])

    @contextmanager
    def _fitting(self) -> Iterator[None]:
        """End the run where the capture turns out not to fit."""
        try:
            yield
        except Misfit as error:
            self._refuse(str(error))
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            self._refuse(f"{type(error).__name__}: {error}")

    def _refuse(self, why: str) -> None:
        self.refused = f"{self.name}: the capture does not fit the script: {why[:_LONGEST]}"
        raise Stop

    def _tell_before(self) -> None:
        """The steps before the captured one, with negative numbers: what led to the failure."""
        session = self.session
        first = next(iter(session.probe.optimizers), None)
        if first is None or len(session.probe.optimizers) != 1:
            return
        for at, loss, norm, rate in self.capture.facts.get("trail", ()):
            step = at - self.capture.step
            values = {"grad_norm": norm, "learning_rate": rate}
            session.record.row(step, values if loss is None else {"loss": loss, **values})
            first.trail.append(Taken(step, loss, norm, rate, step))
            session.rows += 1

    def _tell(self) -> None:
        capture = self.capture
        told = f"this run began at step {capture.step} of another, from {self.name}: its own step 0"
        if capture.moment == STEP:
            told += "; before it the script took a step of its own, which is not recorded"
        self.session.record.note(told)
        if capture.facts.get("random") == AFTER:
            self.session.record.note(
                "the capture was made without a replay: its random state is the one after the "
                "forward pass, and what the step draws will differ"
            )
        now = files.versions()
        before = capture.facts.get("versions", {})
        for what in sorted(set(now) & set(before)):
            if now[what] != before[what]:
                self.session.record.note(
                    f"the capture was made with {what} {before[what]}, and this is {what} "
                    f"{now[what]}: results may differ in their last bits"
                )
