"""A case: a run, its events and where things first went wrong; and the clues found in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from gradcheck.measure.robust import autocorrelation, finite, level
from gradcheck.measure.stretches import rows_within
from gradcheck.model import (
    Event,
    Evidence,
    FloatArray,
    Kind,
    Role,
    Run,
    Series,
    Severity,
    Where,
)

LEAD = 20
"""Rows looked at before the onset: what the failure did afterwards is no cause of it."""
SAME_PASS = 10_000
"""Points written between two series of one step; a resumed repeat of the step lies further off."""
SMOOTHED = 0.5
DRIFT = 100
"""Rows before a failure beyond which a slow growth of the norm is background, not onset."""


@dataclass(frozen=True)
class ClueKind:
    """What a clue means, and the roles without which it cannot be seen."""

    meaning: str
    needs: tuple[Role, ...] = (Role.LOSS,)
    against: float = 0.0
    """Log-odds that it adds to every cause that does not weigh it: below 0 where it proves one."""
    from_then_on: bool = False
    """Whether every step from where it was seen is wrong, however late the loss shows it."""
    surfaces: bool = False
    """Whether its place is where a failure came to light that began elsewhere."""


@dataclass(frozen=True)
class Clue:
    """An observation that speaks for some causes and against others."""

    key: str
    evidence: Evidence
    strength: float = 1.0
    """From 0 to 1: how clearly it was seen; scales the weight that a cause gives it."""
    values: Mapping[str, float] = field(default_factory=dict)
    """What was measured, for remedies that need the number."""
    where: Where | None = None
    """The place in the script, where the inside was seen."""


def over(series: Series, statement: str) -> Evidence:
    """Evidence that is to be checked over a whole series."""
    return Evidence(statement, series.name, int(series.step[0]), int(series.step[-1]))


@dataclass(frozen=True, eq=False)
class Case:
    """One attempt of a run with the events found in it."""

    run: Run
    events: tuple[Event, ...]

    @cached_property
    def loss(self) -> Series | None:
        """The loss that is judged."""
        return self.run.get(Role.LOSS) or self.run.get(Role.VALIDATION_LOSS)

    @cached_property
    def gradient(self) -> Series | None:
        """The global gradient norm, before clipping where both are logged."""
        return self.run.get(Role.GRAD_NORM) or self.run.get(Role.CLIPPED_GRAD_NORM)

    @cached_property
    def rate(self) -> Series | None:
        """The learning rate."""
        return self.run.get(Role.LEARNING_RATE)

    @cached_property
    def trigger(self) -> Event | None:
        """The event to explain: the first failure, else the first spike, else the first warning."""
        for severity in reversed(Severity):
            found = [e for e in self.events if e.severity is severity and _can_trigger(e)]
            if found:
                # a flat loss is what the others explain
                first = min(found, key=lambda e: (e.kind is Kind.PLATEAU, e.order))
                of_that_step = [event for event in found if event.step == first.step]
                return min(of_that_step, key=lambda event: event.kind not in _OF_THE_LOSS)
        return None

    @cached_property
    def failed(self) -> bool:
        """Whether the run broke for good."""
        return self.trigger is not None and self.trigger.severity is Severity.FAILURE

    @cached_property
    def onset(self) -> Event | None:
        """The first abnormal event of the chain that leads to the trigger.

        Losses and gradients that left their noise and did not come back before the trigger are
        links of the chain; what recovered long before is another story.
        """
        trigger = self.trigger
        if trigger is None or not self.failed:
            return trigger
        links = [e for e in self.events if self._leads_to(e, trigger)]
        return min([*links, trigger], key=lambda event: event.order)

    def _leads_to(self, event: Event, trigger: Event) -> bool:
        if event.kind is Kind.NONFINITE_LOSS and event.order < trigger.order:
            # a batch that was skipped, and then an evaluation that never comes back
            return event.recovered and trigger.kind is event.kind and event.series != trigger.series
        if event.kind not in (Kind.LOSS_SPIKE, Kind.GRADIENT_SPIKE, Kind.DIVERGENCE):
            return False
        if event.kind is not Kind.DIVERGENCE and event.severity is Severity.WARNING:
            return False
        drifting = event.series != trigger.series and event.kind is Kind.DIVERGENCE
        if drifting and (event.step or 0) < (trigger.step or 0) - DRIFT * self.cadence:
            return False
        if event.order > trigger.order or event.last_step is None or trigger.step is None:
            return False
        reach = trigger.step - 3 * self.cadence
        return event.last_step >= reach or not event.recovered

    @cached_property
    def onset_step(self) -> int | None:
        """The step of the onset."""
        return self.onset.step if self.onset else None

    @cached_property
    def cadence(self) -> int:
        """Median number of steps between two rows of the loss."""
        if self.loss is None or len(self.loss) < 2:
            return 1
        steps = np.diff(self.loss.step)
        steps = steps[steps > 0]
        return max(1, int(np.median(steps))) if len(steps) else 1

    @cached_property
    def per_epoch(self) -> bool:
        """Whether the rows are epochs rather than optimizer steps."""
        return self.run.unit == "epoch"

    @cached_property
    def every_step(self) -> bool:
        """Whether each optimizer step has a row, so that "in one row" means "in one step"."""
        return self.cadence == 1 and not self.per_epoch

    @cached_property
    def smoothed(self) -> bool:
        """Whether the loss looks like a running mean: its differences follow one another."""
        return self.loss is not None and autocorrelation(finite(self.loss.value)) > SMOOTHED

    def onset_row(self, series: Series) -> int:
        """The row of `series` at the onset, or the first one after it."""
        if self.onset is None:
            return len(series)
        first = self._onset_order(series)
        if series.ascends:
            return int(np.searchsorted(series.order, first))
        rows = np.flatnonzero(series.order >= first)
        return int(rows[0]) if len(rows) else len(series)

    def _onset_order(self, series: Series) -> int:
        """The order from which rows of `series` belong to the onset's step.

        Series of one step are written one after another: the row of the onset's own step counts
        even where it was written just before.
        """
        assert self.onset is not None
        step = self.onset.step
        same = rows_within(series, step, step) if step is not None else ()
        near = [
            int(series.order[r])
            for r in same
            if abs(int(series.order[r]) - self.onset.order) < SAME_PASS
        ]
        return min([*near, self.onset.order])

    def before(self, series: Series, rows: int = LEAD) -> FloatArray:
        """The last `rows` values before the onset."""
        end = self.onset_row(series)
        return series.value[max(0, end - rows) : end]

    def window(self, series: Series, rows: int = LEAD) -> tuple[int, int]:
        """First and last step of the rows before the onset and the onset itself."""
        end = min(self.onset_row(series), len(series) - 1)
        return int(series.step[max(0, end - rows)]), int(series.step[end])

    @cached_property
    def healthy_norms(self) -> FloatArray:
        """Finite gradient norms from before the onset, empty where there are none."""
        if self.gradient is None:
            return np.zeros(0)
        end = self.onset_row(self.gradient) if self.onset else len(self.gradient)
        return finite(self.gradient.value[:end])

    @cached_property
    def onset_rate(self) -> float | None:
        """The learning rate in force at the onset."""
        if self.rate is None or not len(self.rate):
            return None
        row = min(self.onset_row(self.rate), len(self.rate) - 1)
        value = float(self.rate.value[row])
        return value if np.isfinite(value) else None

    @cached_property
    def last_good_step(self) -> int | None:
        """The last logged step before the onset."""
        if self.loss is None:
            return None
        row = self.onset_row(self.loss)
        return int(self.loss.step[row - 1]) if row > 0 else None

    def of_kind(self, *kinds: Kind) -> Sequence[Event]:
        """The events of these kinds, in order."""
        return [event for event in self.events if event.kind in kinds]

    def usual(self, series: Series) -> float:
        """Median of the finite values before the onset."""
        return level(finite(self.before(series)))


_OF_THE_LOSS = (Kind.LOSS_SPIKE, Kind.NONFINITE_LOSS)
"""Kinds told rather than another of the same step."""


def _can_trigger(event: Event) -> bool:
    """Rewinds explain themselves; a hidden overflow that the run took in its stride is no case."""
    return event.kind is not Kind.STEP_REWIND and not (
        event.severity is Severity.WARNING and event.recovered
    )
