"""A watched run from its first line to its report: record, hold, localise, diagnose."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from gradcheck.model import Observation, Replay
from gradcheck.reports.escape import safe
from gradcheck.watch import conclusion, graph, localise, tensors
from gradcheck.watch.capture.resuming import Resuming
from gradcheck.watch.capture.saving import Capturing
from gradcheck.watch.display import Display
from gradcheck.watch.followed import Followed, Step
from gradcheck.watch.guard import Guard, Stop
from gradcheck.watch.healing import Healing
from gradcheck.watch.investigate import Investigation
from gradcheck.watch.layers import LayerNorms
from gradcheck.watch.manner import Manner
from gradcheck.watch.patches import Patches
from gradcheck.watch.probe import Probe
from gradcheck.watch.record import Record, own_rank
from gradcheck.watch.replay.keeping import Keeping
from gradcheck.watch.replay.rerun import Rerun
from gradcheck.watch.replay.rollback import Rollback
from gradcheck.watch.replay.snapshot import Snapshots
from gradcheck.watch.replay.trial import Trial
from gradcheck.watch.vigil import Vigil

MOST_LOCALISED = 3
LEAST_SECONDS = 1.0  # of which a share says something


class Session:
    """Ties the hooks to the record; the listener of the probe."""

    def __init__(
        self, record: Path | Record, manner: Manner | None = None, rerun: Rerun | None = None
    ) -> None:
        self.manner = manner or Manner()
        self.rerun = rerun
        """None where what is watched is no script or module of its own."""
        self.healing = Healing(self) if self.manner.heal else None
        self.guard = Guard(self.tell)
        self.record = record if isinstance(record, Record) else Record(record)
        self.probe = Probe(self, self.guard)
        self.patches = Patches(self.probe, self.probe.loading, self.guard)
        self.investigation = Investigation(self.probe)
        self.capturing = Capturing(self)
        self.resuming: Resuming | None = None
        """Begins the run with a capture, where that is wanted."""
        self.snapshots = Snapshots(
            self.probe.optimizers.size,
            self.probe.seconds_a_step,
            self.probe.loading.tape,
            {
                "trace": self.investigation,
                "survey": self.investigation,
                "trial": Trial(self.probe, lambda: self.snapshots.ticks),
                "keep": Keeping(self.probe, lambda: self.snapshots.ticks),
                "capture": self.capturing.saving,
            },
        )
        self.rollback = Rollback(
            self.probe, Trial(self.probe, lambda: self.rollback.ticks), self._proved
        )
        self.probe.loading.tick = lambda: self.tick
        self.vigil = Vigil(self.probe, self.snapshots, self.record)
        self.display = Display(self)
        self.stopped = self.proved = False
        self.rows = 0
        self._localised: set[int] = set()
        self.failed: tuple[Step, int] | None = None
        """The first step that was not finite, and its tick."""
        self.told: set[str] = set()
        self._layers = LayerNorms(self.probe)
        self.from_graph: Observation | None = None
        self._halted: float | None = None
        """When the step that ends the run began to be looked at."""
        self._seconds_before = self.examined = 0.0
        """Seconds spent before the first step; on failing steps, which are no cost of watching."""

    # ---- life

    def start(self) -> None:
        """Hang the watch into torch."""
        self.patches.install()
        self.guard.off_in_forks(self.snapshots)

    def finish(self, error: BaseException | None = None) -> None:
        """Take it out again and write what is left; a replay ends here."""
        if self.snapshots.course is not None:
            self.snapshots.course.end(error)
        if self.rollback.active:
            self.guard(self.rollback.script_ended, error)
            error = None
        self.patches.remove()
        try:
            if not self.guard.off:
                self.guard(conclusion.conclude, self, error)
        finally:  # also where the user interrupts it
            self.snapshots.drop()
            if self.rerun is not None:
                self.rerun.close()
        self.display.close()
        self.record.close()

    def tell(self, text: str) -> None:
        """One line on stderr, and a note in the record; a replay ends with it."""
        if self.snapshots.course is not None:
            self.snapshots.course.answer({"reproduced": False, "fault": text})
        self.display.clear()
        sys.stderr.write(f"gradcheck: {safe(text)}\n")
        self.record.note(text)

    @property
    def cost(self) -> float | None:
        """Share of the time since the first step that watching took."""
        if self.probe.begun is None:
            return None
        examined = self.examined + self.vigil.examined
        elapsed = (self._halted or time.perf_counter()) - self.probe.begun - examined
        own = self._spent - self._seconds_before - examined
        spent = own + self.record.seconds + self.snapshots.copied + self.rollback.seconds
        return spent / elapsed if elapsed > LEAST_SECONDS else None

    @property
    def tick(self) -> int:
        """Optimizer steps so far, of the run or of the trial that takes its place."""
        return self.rollback.ticks if self.rollback.active else self.snapshots.ticks

    @property
    def _spent(self) -> float:
        return self.probe.spent + self.probe.loading.spent

    # ---- what the probe tells

    def on_first_step(self) -> None:
        """The first step is over: what came before it was preparation."""
        self._seconds_before = self._spent
        self.snapshots.look_again()

    def on_row(self, step: Step, values: dict[str, float]) -> None:
        """A step is complete: its row."""
        rehearsing = self.resuming is not None and self.resuming.pending
        if self.snapshots.replaying or self.rollback.active or rehearsing:
            return
        self.rows += 1
        self._layers.add(step, values)
        self.record.row(max(step.step, 0), values)
        self.display.step(step)

    def on_boundary(self, step: Step) -> None:
        """Between two steps: the moment for a snapshot, or for the replay to take its place."""
        if self.rollback.active:
            self.rollback.boundary(step)
            self._end_if_proved()
            return
        if self.resuming is not None and self.resuming.boundary():
            return
        self.vigil.look(step)
        self.snapshots.boundary(step)
        self.rollback.keep(self.snapshots.ticks)

    def on_created(self) -> None:
        """An optimizer was made: from here on a replay can begin."""
        if self.resuming is not None:
            self.resuming.created()
        self.snapshots.start()
        if (
            self.manner.replay.goes_back_in_place(self.snapshots.unavailable)
            and not self.manner.keep_going
        ):
            self.rollback.enable()

    def _localise(self, followed: Followed, step: Step) -> Sequence[Observation]:
        found, self.from_graph = self.from_graph, None
        if found is not None:
            return [replace(found, step=step.step)]
        told = localise.localise(self.probe, self.snapshots, followed, step)
        if not told and own_rank() is not None:
            self.record.note(
                "nothing was amiss in this process: gradients are averaged over all ranks, and the "
                "record of another rank may name the cause"
            )
        return told

    def on_ending(self) -> None:
        """The script ends by `os._exit`: what is kept must be written now."""
        if self.snapshots.course is not None:
            self.snapshots.course.end(None)
        self.record.flush()

    def on_backward(self, loss: Tensor) -> None:
        """A forward pass is complete; where no replay will be possible, its graph is looked at."""
        if self.probe.change is not None:
            self.probe.change.loss(loss)
        if self.investigation.trace is not None:
            self.investigation.trace.backward_begins()
        if self.snapshots.unavailable is not None and not tensors.is_finite(loss):
            names = self.probe.optimizers.names.by_storage()
            step = self.probe.optimizers.next_step()
            self.from_graph = graph.first_nonfinite(loss, names, self.probe.loading.batch, step)

    def on_loading(self, iterator: Any, *, loading: bool) -> None:
        """A DataLoader makes a batch, or has made it."""
        if loading:
            self.rollback.fetching(iterator)
        if self.investigation.trace is not None:
            self.investigation.trace.in_loading = loading
        if not loading:
            self.investigation.add_batch()

    def on_update(self, followed: Followed, *, updating: bool) -> None:
        """An optimizer updates its weights, or has done so."""
        change = self.probe.change
        if change is not None or self.snapshots.replaying:
            optimizer = self.probe.optimizers.of(followed)
            assert optimizer is not None
            if not updating and change is not None:
                change.after_update(optimizer, followed)
            elif change is not None:
                change.before_update(optimizer, followed, self.tick)
            if updating:
                self.investigation.before_update(optimizer, followed)
        self.investigation.in_step(updating)

    def on_nonfinite(self, followed: Followed, step: Step) -> bool:
        """A step is about to poison the weights: localise it, then end the run or skip the step.

        Whether anything was found of a step that the script skips itself, or whether to skip it.

        Raises:
            Stop: the run ends here, unless it is to be kept going or the script skips the step.
        """
        if self.snapshots.course is not None:
            self.snapshots.course.arrive(followed, step)
            return False
        if self.rollback.active:
            withheld = self.rollback.arrive(followed, step)
            self._end_if_proved()
            return withheld
        change = self.probe.change
        if change is not None and change.rescue(followed, self.snapshots.ticks):
            return True
        failed = self.failed or (step._replace(step=followed.steps), self.snapshots.ticks)
        self.failed, before = failed, self.failed
        self._halted = time.perf_counter()
        held = self._examine(followed, step)
        self.examined += time.perf_counter() - self._halted
        self._halted = None
        if step.skipped and not held and step.is_finite:
            self.failed = before  # the optimizer's parameters got no gradient, and nothing else
        return held

    def _examine(self, followed: Followed, step: Step) -> bool:
        found = False
        if len(self._localised) < MOST_LOCALISED:
            self._localised.add(step.step)
            for observation in self._localise(followed, step):
                self.told.add(observation.key)
                self.record.observe(observation)
                found = True
        if step.skipped:
            return found
        self.capturing.capture(step)
        if self.healing is not None:
            self.probe.tell(followed, step)
            if self.healing.heal(step._replace(step=followed.steps)):
                return True
        if self.manner.keep_going:
            return True
        self.probe.tell(followed, step)
        self.probe.withhold(followed)
        self.record.note(
            f"the update of step {step.step} was withheld: weights, buffers and optimizer state "
            "are as they were before it"
        )
        self.stopped = True
        if conclusion.begin_rollback(self, step._replace(step=followed.steps)):
            return True  # the loop goes on as a trial, and ends after the last one
        raise Stop

    def _end_if_proved(self) -> None:
        if self.proved:
            raise Stop

    def _proved(self, replay: Replay | None) -> None:
        """All trials of a rollback are done, and the run with them."""
        if replay is not None:
            self.record.prove(replay)
        self.proved = True
