"""Runs steps again within the running process: state put back, and the same batches given again.

For runs that cannot be forked. It reaches parameters, buffers, optimizers, scalers, schedules,
random numbers and loaders' batches; not the script's own variables, which go on counting.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from gradcheck.model import Replay
from gradcheck.watch.followed import Followed, Step
from gradcheck.watch.guard import Stop
from gradcheck.watch.probe import Probe
from gradcheck.watch.replay import muting, state
from gradcheck.watch.replay.prove import Answers, Order
from gradcheck.watch.replay.recorded import Recorded
from gradcheck.watch.replay.state import State
from gradcheck.watch.replay.trial import Trial

SHARE = 0.007
"""Share of the time that copies may take."""
FIRST_TICKS = 3
PATIENCE = 300.0
"""Seconds that all trials together may take; looked at when a step ends."""
STUCK = 10.0
"""Seconds after that from which on a step that does not end is broken off."""


class Rollback:
    """Copies the state now and then, and drives the trials through the script's own loop."""

    def __init__(self, probe: Probe, trial: Trial, done: Callable[[Replay | None], None]) -> None:
        self.enabled = False
        self.active = False
        """While trials run: what the script does is none of the run."""
        self.ticks = 0
        self.seconds = 0.0
        """Spent on copies."""
        self._probe, self._trial, self._done = probe, trial, done
        self._kept: list[State] = []
        self._next = FIRST_TICKS
        self._answers: Answers | None = None
        self._order: Order | None = None
        self._pending = False
        self._ahead: int | None = None
        """Batches that the loop still holds from before the trial; None before it was asked."""
        self._held: State | None = None
        self._deadline = math.inf
        self._undo = ExitStack()

    # ---- while all is well

    def enable(self) -> None:
        """From now on keep copies, the first at once."""
        if not self.enabled:
            self.enabled = True
            self._probe.loading.recorded = Recorded()
            self._keep(0)

    def renew(self) -> None:
        """The run begins anew, from another state: forget the copies, and take one."""
        if self.enabled:
            self._kept.clear()
            self._next = FIRST_TICKS
            self._keep(0)

    def keep(self, tick: int) -> None:
        """A step is over: copy the state, if it is time."""
        if self.enabled and not self.active and tick >= self._next:
            begun = time.perf_counter()
            self._keep(tick)
            spent = time.perf_counter() - begun
            self.seconds += spent
            pace = max(self._probe.seconds_a_step(), 1e-6)
            self._next = tick + max(1, math.ceil(spent / (SHARE * pace)))

    def _keep(self, tick: int) -> None:
        self._kept.append(state.collect(self._probe, tick))
        if len(self._kept) > 3:
            del self._kept[1]

    def before(self, tick: int) -> int | None:
        """The tick of the newest copy from which a rollback can reach this one."""
        fitting = self._fitting(tick)
        return None if fitting is None else fitting.tick

    def _fitting(self, tick: int) -> State | None:
        recorded = self._probe.loading.recorded
        assert recorded is not None
        fitting = [kept for kept in self._kept if kept.tick <= max(0, tick)]
        fitting = [kept for kept in fitting if recorded.reaches(kept.tick)]
        return fitting[-1] if fitting else None

    # ---- trials

    def begin(self, answers: Answers, tick: int) -> bool:
        """Start the experiments at a step that is not taken; False where none can be had."""
        try:
            order = next(answers)
        except StopIteration as done:
            self._done(done.value)
            return False
        self.ticks = tick
        self._held = state.collect(self._probe, tick)
        self._answers, self.active = answers, True
        self._deadline = time.monotonic() + PATIENCE
        muting.mute(self._undo)
        self._undo.enter_context(_broken_off_after(PATIENCE + STUCK))
        self._prepare(order)
        return True

    def _prepare(self, order: Order) -> None:
        self._order, self._pending, self._ahead = order, True, None

    def fetching(self, iterator: Any) -> None:
        """A batch is asked for: the moment at which a trial begins, where there are loaders.

        A loop that holds batches in advance goes through those that it holds first: they are no
        part of the trial, whose own batches it draws meanwhile.
        """
        if not self.active or not self._pending:
            return
        if self._ahead is None:
            recorded = self._probe.loading.recorded
            assert recorded is not None
            self._rewind()
            self._ahead = recorded.lead(iterator)
        if self._ahead:
            self._ahead -= 1
        else:
            self._start()

    def _rewind(self) -> State:
        """The state from which the trial begins; its batches are the next ones."""
        assert self._order is not None
        kept = self._fitting(self._order.upto)
        recorded = self._probe.loading.recorded
        assert kept is not None
        assert recorded is not None
        if self._ahead is None:
            recorded.rewind(kept.tick)
        return kept

    def _start(self) -> None:
        assert self._order is not None
        kept = self._rewind()
        state.restore(self._probe, kept)
        for followed, steps in zip(self._probe.optimizers, kept.steps, strict=False):
            followed.steps = steps
        self._probe.buffers.keep()
        self.ticks, self._pending = kept.tick, False
        self._trial.order(self._order.message())
        self._trial.begin()

    def boundary(self, step: Step) -> None:
        """A step of a trial is over."""
        if self._pending:
            recorded = self._probe.loading.recorded
            if recorded is None or recorded.empty:
                self._start()
            return
        self.ticks += 1
        self._trial.boundary(step)
        assert self._order is not None
        if self.ticks > self._order.last or time.monotonic() > self._deadline:
            self._end(self._trial.passed())

    def arrive(self, followed: Followed, step: Step) -> bool:
        """A step of a trial is not finite: whether to withhold it."""
        if self._pending:
            return True
        answer = self._trial.arrive(followed, step)
        if answer is not None:
            self._end(answer)
            return True
        return False

    def _end(self, answer: Mapping[str, Any] | None) -> None:
        self._trial.end()
        assert self._answers is not None
        late = time.monotonic() > self._deadline
        try:
            order = self._answers.send(answer)
            while late:
                order = self._answers.send(None)
        except StopIteration as done:
            self._finish(done.value)
            return
        self._prepare(order)

    def script_ended(self, error: BaseException | None) -> None:
        """The loop came to its end within the trials: what was not tried stays untried."""
        if self.active:
            self._deadline = -math.inf
            self._end(None if self._pending else self._trial.crash(error))

    def _finish(self, found: Replay | None) -> None:
        assert self._held is not None
        with contextlib.suppress(RuntimeError, ValueError, KeyError):  # a script that is gone
            state.restore(self._probe, self._held)
        self._undo.close()
        self.active = False
        self._done(found)


@contextlib.contextmanager
def _broken_off_after(seconds: float) -> Iterator[None]:
    """End the script if it does not come back, such as from a queue that nobody fills any more.

    By an alarm, which reaches a call that blocks; not where the script has an alarm of its own.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
        yield
        return

    def ring(number: int, frame: object) -> None:
        raise Stop

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
