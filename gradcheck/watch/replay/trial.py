"""What a trial does in a replay: one change is in force, and the steps are written down."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from gradcheck.watch import tensors
from gradcheck.watch.changes import catalogue
from gradcheck.watch.changes.base import Change, Trouble
from gradcheck.watch.changes.several import Several
from gradcheck.watch.followed import Followed, Step
from gradcheck.watch.probe import Probe

MOST_ROWS = 4000
"""The last ones."""
_LONGEST = 300

Answer = Mapping[str, Any]


class Trial:
    """Applies a change (or none, the control), and answers with the rows of its steps."""

    def __init__(self, probe: Probe, tick: Callable[[], int]) -> None:
        self.probe = probe
        self.change: Change | None = None
        self._tick = tick
        self._order: Mapping[str, Any] = {}
        self._rows: deque[list[Any]] = deque(maxlen=MOST_ROWS)
        self._before: Change | None = None

    def order(self, order: Mapping[str, Any]) -> None:
        """Which change to try, against which trouble."""
        self._order = order

    def begin(self) -> None:
        """The change takes effect."""
        name = self._order.get("change")
        self._rows.clear()
        if name is None:
            return
        told = dict(self._order["trouble"])
        told["samples"] = tuple(told["samples"])
        trouble = Trouble(**told)
        self.change = catalogue.make(name, self.probe, trouble)
        self._before = self.probe.change  # what a run that was healed goes on with
        others = [self._before] if self._before is not None else []
        self._take(Several(self.probe, trouble, [*others, self.change]))
        self.change.begin()

    def _take(self, change: Change | None) -> None:
        """From now on the hooks tell this change, or none."""
        self.probe.change = self.probe.loading.change = change

    def end(self) -> None:
        """Take the change back."""
        if self.change is not None:
            self.change.end()
            self._take(self._before)
        self.change = None

    def boundary(self, step: Step) -> None:
        """A step is over."""
        self._rows.append(_row(self._tick() - 1, step))

    def arrive(self, followed: Followed, step: Step) -> Answer | None:
        """A step is not finite: the trial is over, unless it is skipped by the script or by us."""
        tick = self._tick()
        if self.change is not None and self.change.rescue(followed, tick):
            self.probe.withhold(followed)
            return None
        if step.skipped and not self._order.get("skips_fail"):
            return None
        self._rows.append(_row(tick, step._replace(step=followed.steps)))
        return self._answer("failed")

    def passed(self) -> Answer:
        """All steps that were asked for went by."""
        return self._answer("passed")

    def crash(self, error: BaseException | None) -> Answer:
        """The script ended, by an error of its own or because it was done."""
        done = error is None or (isinstance(error, SystemExit) and not error.code)
        if done or isinstance(error, KeyboardInterrupt):
            return self._answer("ended")
        text = f"{type(error).__name__}: {error}"[:_LONGEST]
        step = Step(0, self.probe.optimizers.next_step(), None, math.nan, (), 0.0)
        self._rows.append(_row(self._tick(), step))
        return {**self._answer("crashed"), "error": text}

    def _answer(self, end: str) -> Answer:
        names = self.probe.optimizers.names
        sound = True
        with suppress(RuntimeError):  # a tensor that was freed
            sound = tensors.all_finite([*names.parameters().values(), *names.buffers().values()])
        return {
            "end": end,
            "rows": list(self._rows),
            "sound": sound,
            "acted": self.change.acted if self.change is not None else 0,
        }


def _row(tick: int, step: Step) -> list[Any]:
    """Exact numbers, as text that JSON can hold."""
    loss = None if step.loss is None else float(step.loss).hex()
    return [tick, step.optimizer, step.step, loss, float(step.gradient).hex(), step.skipped]
