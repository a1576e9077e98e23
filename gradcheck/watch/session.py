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

from gradcheck import diagnosis
from gradcheck.model import HEALTHY, Observation, Severity, Where
from gradcheck.reports.escape import safe
from gradcheck.watch import crash, graph, localise, proof, surveying, tensors
from gradcheck.watch.display import Display
from gradcheck.watch.followed import Followed, Step
from gradcheck.watch.guard import Guard, Stop
from gradcheck.watch.investigate import Investigation
from gradcheck.watch.patches import Patches
from gradcheck.watch.probe import Probe
from gradcheck.watch.record import Record, own_rank
from gradcheck.watch.replay.prove import Situation
from gradcheck.watch.replay.rerun import Rerun
from gradcheck.watch.replay.snapshot import Snapshots
from gradcheck.watch.replay.trial import Trial

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
        record: Path | Record,
        *,
        keep_going: bool = False,
        replay: str = "auto",
        rerun: Rerun | None = None,
    ) -> None:
        self.guard = Guard(self.tell)
        self.record = record if isinstance(record, Record) else Record(record)
        self.probe = Probe(self, self.guard)
        self.patches = Patches(self.probe, self.probe.loading, self.guard)
        self.investigation = Investigation(self.probe)
        self.trial = Trial(self.probe, lambda: self.snapshots.ticks)
        self.snapshots = Snapshots(
            self.probe.optimizers.size,
            self.probe.seconds_a_step,
            self.probe.loading.tape,
            {"trace": self.investigation, "survey": self.investigation, "trial": self.trial},
        )
        self.ways = proof.Ways(self.snapshots, rerun, replay)
        self.display = Display(self)
        self.keep_going = keep_going
        self.stopped = False
        self.rows = 0
        self._localised: set[int] = set()
        self._failed: tuple[Step, int] | None = None
        """The first step that was not finite, and its tick."""
        self._told: set[str] = set()
        self._next_layers = 0
        self._usual_norm = 0.0
        self._buffers_told = False
        self.from_graph: Observation | None = None
        self._left_out: list[Observation] = []
        self._quiet_until = 0
        self._seconds_before = 0.0

    # ---- life

    def start(self) -> None:
        """Hang the watch into torch."""
        self.patches.install()
        os.register_at_fork(after_in_child=self._in_child)

    def finish(self, error: BaseException | None = None) -> None:
        """Take it out again and write what is left; a replay ends here."""
        if self.snapshots.course is not None:
            self.snapshots.course.end(error)
        self.patches.remove()
        try:
            if not self.guard.off:
                self.guard(self._conclude, error)
        finally:  # also where the user interrupts it
            self.snapshots.drop()
        self.display.close()
        self.record.close()

    def tell(self, text: str) -> None:
        """One line on stderr, and a note in the record; a replay ends with it."""
        if self.snapshots.course is not None:
            self.snapshots.course.answer({"reproduced": False, "fault": text})
        self.display.clear()
        sys.stderr.write(f"gradcheck: {safe(text)}\n")
        self.record.note(text)

    def _in_child(self) -> None:
        """A process that the script forks is not watched."""
        if not self.snapshots.forking:
            self.guard.off = True

    def _conclude(self, error: BaseException | None) -> None:
        if isinstance(error, Exception):
            told = crash.message(error)
            self.record.say(told.said, told.text)
            step = self.probe.optimizers.next_step()
            for observation in crash.observations(error, self.snapshots, step):
                self.record.observe(observation)
        if self.probe.targets.found is not None:
            self.record.observe(self.probe.targets.found)
        for observation in (*self.probe.loop.observations(), *self._left_out):
            self.record.observe(observation)
        if self.probe.grads_by_function:
            self.record.note(
                "no optimizer of torch's took part: losses are those of torch.autograd.grad, and "
                "neither gradients nor updates were seen"
            )
        self._survey()
        cost = self.cost
        self._prove(error)
        if cost is not None:
            self.record.note(f"watching took {cost:.1%} of the time of the steps")

    def _survey(self) -> None:
        """Look closer at a failure that no single operation explains."""
        self.record.flush()
        runs = diagnosis.analyze(self.record.directory).runs
        if not runs or (runs[0].verdict == HEALTHY and runs[0].severity is None):
            return
        report = runs[0]
        onset = report.first_bad_step
        if onset is None and report.events:
            onset = report.events[0].step
        report = replace(report, first_bad_step=onset)
        if any(d.where for d in report.diagnoses[:1]) and "float_overflowed" not in self._told:
            return
        still = all(e.severity is Severity.WARNING for e in report.events)
        look = (
            surveying.at_end(self.probe, self.snapshots)
            if still
            else (surveying.observations(self.probe, self.snapshots, report))
        )
        for observation in look:
            self.record.observe(observation)

    def _prove(self, error: BaseException | None) -> None:
        """Run the failing steps again, to see what keeps the failure away."""
        self.record.flush()
        report = next(iter(diagnosis.analyze(self.record.directory).runs), None)
        if report is None:
            return
        if self._failed is not None:
            found: Situation | None = proof.of_step(self.probe, report, *self._failed)
        elif isinstance(error, Exception):
            found = proof.of_crash(self.probe, report, error, self.snapshots.ticks)
        else:
            found = proof.of_report(self.probe, report)
        if found is not None:
            replay, why = proof.run_again(self.ways, found, report)
            if replay is not None:
                self.record.prove(replay)
            elif why:
                self.record.note(why)

    @property
    def cost(self) -> float | None:
        """Share of the time since the first step that watching took."""
        if self.probe.begun is None:
            return None
        elapsed = time.perf_counter() - self.probe.begun
        spent = self._spent - self._seconds_before + self.record.seconds + self.snapshots.copied
        return spent / elapsed if elapsed > 0 else None

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
            self._left_out = list(surveying.left_out(self.probe))
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
        if self.snapshots.course is not None:
            self.snapshots.course.end(None)
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
        if self.snapshots.course is not None:
            self.snapshots.course.arrive(followed, step)
            return False
        found = False
        if self._failed is None:
            self._failed = step, self.snapshots.ticks
        if len(self._localised) < MOST_LOCALISED:
            self._localised.add(step.step)
            for observation in self._localise(followed, step):
                self._told.add(observation.key)
                self.record.observe(observation)
                found = True
        if step.skipped:
            return found
        if self.keep_going:
            return True
        self.probe.hold(followed, step)
        self.record.note(
            f"the update of step {step.step} was withheld: weights, buffers and optimizer state "
            "are as they were before it"
        )
        self.stopped = True
        raise Stop
