"""Looks, between two steps, for what later looks may need: a first jump, broken buffers, gaps."""

from __future__ import annotations

import math
import time
from dataclasses import replace

from gradcheck.model import Observation, Where
from gradcheck.watch import tensors
from gradcheck.watch.followed import Step
from gradcheck.watch.investigate import observation_of
from gradcheck.watch.left_out import LeftOut
from gradcheck.watch.probe import Probe
from gradcheck.watch.record import Record
from gradcheck.watch.replay.snapshot import Snapshots

JUMP, QUIET = 4.0, 40
"""A gradient this many times its running mean may begin a failure; steps before the next one."""
EXPLODED = 100.0
"""The same of a gradient that exploded: what buffers hold then is its work."""
PATIENCE = 20.0
"""Seconds that a replay may take while the run itself waits to go on."""


class Vigil:
    """Cheap looks in every step of the run itself; a replay takes none."""

    def __init__(self, probe: Probe, snapshots: Snapshots, record: Record) -> None:
        self.left_out = LeftOut(probe)
        """Parameters that no optimizer updates, or that never get a gradient."""
        self._probe, self._snapshots, self._record = probe, snapshots, record
        self._usual_norm = 0.0
        self._quiet_until = 0
        self._buffers_told = False
        self.examined = 0.0
        """Seconds spent on the replay of a step, which are no cost of watching."""

    def look(self, step: Step) -> None:
        """A step is over."""
        if self._snapshots.replaying:
            return
        ticks = self._snapshots.ticks
        if not step.optimizer and ticks >= self._quiet_until:
            gradient = step.gradient
            if self._usual_norm and gradient > JUMP * self._usual_norm:
                self._snapshots.pin()
                self._quiet_until = ticks + QUIET
            elif math.isfinite(gradient):
                self._usual_norm += 0.1 * (gradient - self._usual_norm)
        self._look_at_buffers(step)
        self.left_out.look(ticks)

    def _look_at_buffers(self, step: Step) -> None:
        """Statistics that a bad batch poisoned although its step was skipped: told once."""
        if self._buffers_told or not step.loss_is_finite:
            return
        name = self._probe.buffers.broken()
        if name is not None:
            self._buffers_told = True
            weights = list(self._probe.optimizers.names.parameters().values())
            exploded = self._usual_norm and EXPLODED * self._usual_norm < step.gradient < math.inf
            if exploded or not tensors.all_finite(weights):
                return  # an explosion went through them: they are no cause
            said = f"the running statistic {name} is not finite after step {step.step}"
            where = Where("state", name)
            source = self._source()
            if source is not None and source.where is not None:
                said += f": {source.statement}"
                where = replace(source.where, phase="state", module=name, op=None)
            self._record.observe(Observation("buffer_nonfinite", said, step.step, where=where))

    def _source(self) -> Observation | None:
        """What the step that is over put there, as a replay of it shows."""
        begun = time.perf_counter()
        answer = self._snapshots.run(self._snapshots.ticks, {}, patience=PATIENCE) or {}
        self._snapshots.rest()
        self.examined += time.perf_counter() - begun
        found = answer.get("observations") or []
        return observation_of(found[0]) if found else None
