"""A watched run from its first line to its report: record, hold, localise, diagnose."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from gradcheck.model import Observation, Where
from gradcheck.reports.escape import safe
from gradcheck.watch import conclusion, graph, localise, surveying, tensors
from gradcheck.watch.display import Display
from gradcheck.watch.followed import Followed, Step
from gradcheck.watch.guard import Guard, Stop
from gradcheck.watch.healing import Healing
from gradcheck.watch.investigate import Investigation
from gradcheck.watch.patches import Patches
from gradcheck.watch.probe import Probe
from gradcheck.watch.record import Record, own_rank
from gradcheck.watch.replay.keeping import Keeping
from gradcheck.watch.replay.snapshot import Snapshots
from gradcheck.watch.replay.trial import Trial
from gradcheck.watch.replay.wanted import Wanted

MOST_LOCALISED = 3
LAYER_SHARE = 0.005
"""Share of a step's time that the rows of per-layer norms may take."""
LOOK_FOR_LEFT_OUT = (4, 40)
"""Steps after which to see whether parameters were left out."""
JUMP, QUIET = 4.0, 40
"""A gradient this many times its running mean may begin a failure; steps before the next one."""
LAYER_COST = 8e-6
"""Seconds for writing one value, about."""


class Session:
    """Ties the hooks to the record; the listener of the probe."""

    def __init__(
        self,
        record: Path,
        *,
        keep_going: bool = False,
        heal: bool = False,
        replay: Wanted | None = None,
    ) -> None:
        self.replay = replay or Wanted()
        self.healing = Healing(self) if heal else None
        self.guard = Guard(self.tell)
        self.record = Record(record)
        self.probe = Probe(self, self.guard)
        self.patches = Patches(self.probe, self.probe.loading, self.guard)
        self.investigation = Investigation(self.probe)
        self.trial = Trial(self.probe, lambda: self.snapshots.ticks)
        self.snapshots = Snapshots(
            self.probe.optimizers.size,
            self.probe.seconds_a_step,
            self.probe.loading.tape,
            {
                "trace": self.investigation,
                "survey": self.investigation,
                "trial": self.trial,
                "keep": Keeping(self.probe, lambda: self.snapshots.ticks),
            },
        )
        self.display = Display(self)
        self.keep_going = keep_going
        self.stopped = False
        self.rows = 0
        self._localised: set[int] = set()
        self.failed: tuple[Step, int] | None = None
        """The first step that was not finite, and its tick."""
        self.told: set[str] = set()
        self._next_layers = 0
        self._usual_norm = 0.0
        self._buffers_told = False
        self.from_graph: Observation | None = None
        self.left_out: list[Observation] = []
        self._quiet_until = 0
        self._seconds_before = 0.0
        self.examined = 0.0
        """Seconds spent on failing steps, which are no cost of watching."""

    # ---- life

    def start(self) -> None:
        """Hang the watch into torch."""
        self.patches.install()
        os.register_at_fork(after_in_child=self._in_child)

    def finish(self, error: BaseException | None = None) -> None:
        """Take it out again and write what is left; a replay ends here."""
        if self.snapshots.replaying:
            self.snapshots.end(error)
        self.patches.remove()
        if not self.guard.off:
            self.guard(conclusion.conclude, self, error)
        self.snapshots.drop()
        self.display.close()
        self.record.close()

    def tell(self, text: str) -> None:
        """One line on stderr, and a note in the record; a replay ends with it."""
        if self.snapshots.replaying:
            self.snapshots.answer({"reproduced": False, "fault": text})
        self.display.clear()
        sys.stderr.write(f"gradcheck: {safe(text)}\n")
        self.record.note(text)

    def _in_child(self) -> None:
        """A process that the script forks is not watched."""
        if not self.snapshots.forking:
            self.guard.off = True

    @property
    def cost(self) -> float | None:
        """Share of the time since the first step that watching took."""
        if self.probe.begun is None:
            return None
        elapsed = time.perf_counter() - self.probe.begun - self.examined
        spent = (
            -self.examined
            + self._spent
            - self._seconds_before
            + self.record.seconds
            + self.snapshots.copied
        )
        return spent / elapsed if elapsed > 0 else None

    @property
    def _spent(self) -> float:
        return self.probe.spent + self.probe.loading.spent

    # ---- what the probe tells

    def on_first_step(self) -> None:
        """The first step is over: what came before it was preparation."""
        self._seconds_before = self._spent

    def on_row(self, step: Step, values: dict[str, float]) -> None:
        """A step is complete: its row."""
        if self.snapshots.replaying:
            return
        self.rows += 1
        self._add_layers(step, values)
        self.record.row(max(step.step, 0), values)
        self.display.step(step)

    def _add_layers(self, step: Step, values: dict[str, float]) -> None:
        """Per-layer norms, as often as the budget allows; always while the run is young or ill."""
        if not step.layers or step.optimizer:
            return
        ill = not math.isfinite(step.norm)
        if step.step >= self._next_layers or ill:
            names = self.probe.optimizers.gradient_names()
            for name, norm in zip(names, step.layers, strict=False):
                values[f"layers/{name}/grad_norm"] = norm
            pause = len(step.layers) * LAYER_COST / (LAYER_SHARE * self.probe.seconds_a_step())
            self._next_layers = step.step + max(1, math.ceil(pause))

    def on_boundary(self, step: Step) -> None:
        """Between two steps: the moment for a snapshot, or for the replay to take its place."""
        if not step.optimizer and self.snapshots.ticks >= self._quiet_until:
            if self._usual_norm and step.norm > JUMP * self._usual_norm:
                self.snapshots.pin()
                self._quiet_until = self.snapshots.ticks + QUIET
            elif math.isfinite(step.norm):
                self._usual_norm += 0.1 * (step.norm - self._usual_norm)
        self._look_at_buffers(step)
        if self.snapshots.ticks in LOOK_FOR_LEFT_OUT and not self.snapshots.replaying:
            self.left_out = list(surveying.left_out(self.probe))
        self.snapshots.boundary(step)

    def _look_at_buffers(self, step: Step) -> None:
        """Statistics that a bad batch poisoned although its step was skipped: told once."""
        if self._buffers_told or self.snapshots.replaying:
            return
        name = self.probe.buffers.broken()
        if name is not None:
            self._buffers_told = True
            weights = list(self.probe.optimizers.names.parameters().values())
            if not (step.loss_is_finite and tensors.all_finite(weights)):
                return  # an explosion went through them: they are no cause
            said = f"the running statistic {name} is not finite after step {step.step}"
            where = Where("state", name)
            self.record.observe(Observation("buffer_nonfinite", said, step.step, where=where))

    def on_created(self) -> None:
        """An optimizer was made: from here on a replay can begin."""
        self.snapshots.start()

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
        self.record.flush()

    def on_backward(self, loss: Tensor) -> None:
        """A forward pass is complete; where no replay will be possible, its graph is looked at."""
        if self.probe.change is not None:
            self.probe.change.loss(loss)
        if self.investigation.trace is not None:
            self.investigation.trace.backward_begins()
        if self.snapshots.unavailable is not None and not tensors.all_finite([loss.detach()]):
            names = self.probe.optimizers.names.by_storage()
            step = self.probe.optimizers.next_step()
            self.from_graph = graph.first_nonfinite(loss, names, self.probe.loading.batch, step)

    def on_loading(self, loading: bool) -> None:
        """A DataLoader makes a batch, or has made it."""
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
                change.before_update(optimizer, followed, self.snapshots.ticks)
            if updating:
                self.investigation.before_update(optimizer, followed)
        self.investigation.in_step(updating)

    def on_nonfinite(self, followed: Followed, step: Step) -> bool:
        """A step is about to poison the weights: localise it, then end the run or skip the step.

        Whether anything was found of a step that the script skips itself, or whether to skip it.

        Raises:
            Stop: the run ends here, unless it is to be kept going or the script skips the step.
        """
        if self.snapshots.replaying:
            self.snapshots.arrive(followed, step)
            return False
        change = self.probe.change
        if change is not None and change.rescue(followed, self.snapshots.ticks):
            return True
        if self.failed is None:
            self.failed = replace(step, step=followed.steps), self.snapshots.ticks
        begun = time.perf_counter()
        try:
            return self._examine(followed, step)
        finally:
            self.examined += time.perf_counter() - begun

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
        if self.healing is not None:
            self.probe.tell(followed, step)
            if self.healing.heal(replace(step, step=followed.steps)):
                return True
        if self.keep_going:
            return True
        self.probe.tell(followed, step)
        self.probe.withhold(followed)
        self.record.note(
            f"the update of step {step.step} was withheld: weights, buffers and optimizer state "
            "are as they were before it"
        )
        self.stopped = True
        raise Stop
