"""Judges a trial: was the failure kept away, for how long, and does the training go on?"""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gradcheck import diagnosis
from gradcheck.model import Event, Kind, Role, Run, Severity, Trial
from gradcheck.model.inside import NEGATED
from gradcheck.watch.changes.base import Trouble
from gradcheck.watch.replay.rows import Row, row_of, splice

PREVENTED, DELAYED, NOT_PREVENTED = "prevented", "delayed", "not_prevented"
LAST, BEFORE = 5, 20
"""Steps at the end whose median is the final loss, and before the trouble that are its measure."""
SPREADS = 4.0
LATE = 3
"""Steps by which a finite failure may be seen later and still count as the same."""
FEWEST, MARGIN = 25, 5
"""Steps after a finite failure that a replay shows, at least, and beyond those that are needed."""
LEARNED = 0.1
"""Share of the loss by which it must fall for a run that stood still to have learned."""
ROOM = 0.25
"""Share of the usual loss by which the final one may lie above it, beside its spread."""


@dataclass(frozen=True)
class Ran:
    """What a replay answered."""

    end: str
    """passed, ended, failed or crashed."""
    rows: tuple[Row, ...]
    """Of the optimizer whose failure is in question."""
    sound: bool
    """Whether weights and buffers are finite at its end."""
    acted: int
    error: str | None = None
    others: tuple[Row, ...] = ()
    """The rows of the other optimizers."""

    @property
    def broke(self) -> bool:
        """Whether it came to a step that cannot be taken."""
        return self.end in ("failed", "crashed")


def read(answer: Mapping[str, Any] | None, place: int) -> Ran | None:
    """An answer as it came, to the failure of the optimizer at a place.

    None where there is none, or a fault of ours ended the replay.
    """
    if answer is None or "end" not in answer:
        return None
    rows = [row_of(*told) for told in answer["rows"]]
    mine = tuple(row for row in rows if row.place == place)
    others = tuple(row for row in rows if row.place != place)
    end = str(answer["end"])
    return Ran(end, mine, answer["sound"], answer["acted"], answer.get("error"), others)


@dataclass(frozen=True)
class Failure:
    """What is to be kept away, and how it is recognised."""

    step: int
    """Of its optimizer, where it was seen."""
    finite: bool
    """Whether it is a spike or a divergence, which only its neighbours make one."""
    error: str | None = None
    """What the script raised, where that was the failure."""
    run: Run | None = None
    """The run as it was recorded, for failures that are finite."""
    spoilt: bool = False
    """Whether it left weights or buffers that are not finite."""
    stalled_at: float | None = None
    """The loss that a run which learns nothing had come to, where that is the failure."""
    drifts: bool = False
    """Whether it is a divergence that the detectors only warn of."""
    lasts: int = 0
    """Steps for which it went on, as far as they have to be seen to recognise it."""
    place: int = 0
    """Of the optimizer whose loss or gradient it is."""
    series: Mapping[str, int] = field(default_factory=lambda: {"loss": 0, "grad_norm": 0})
    """The series of losses and gradient norms that a replay measures anew: whose they are."""


def same(failure: Failure, control: Ran) -> bool:
    """Whether an unchanged replay failed as the run did, at the same step or before."""
    if failure.error is not None:
        return control.end == "crashed" and control.error == failure.error
    if failure.stalled_at is not None:
        return not _learned(failure, control)
    if failure.finite:
        at = _finite_failure(failure, control, frozenset())
        spoilt = failure.spoilt and not control.sound
        return spoilt or (at is not None and at <= failure.step + LATE)
    if control.end != "failed" or not control.rows:
        return False
    return control.rows[-1].step <= failure.step


def is_negated(failure: Failure) -> bool:
    """Whether the loss was seen to be the negative of an error."""
    seen = failure.run.observations if failure.run is not None else ()
    return any(one.key == NEGATED for one in seen)


def negated(failure: Failure) -> Failure:
    """The same failure with the error itself for its loss."""
    run = failure.run
    if run is None:
        return failure
    series = tuple(replace(s, value=-s.value) if s.role is Role.LOSS else s for s in run.series)
    seen = tuple(one for one in run.observations if one.key != NEGATED)
    return replace(failure, run=replace(run, series=series, observations=seen))


def reversed_rows(ran: Ran) -> Ran:
    """A replay with the error itself for its loss."""
    rows = [replace(row, loss=None if row.loss is None else -row.loss) for row in ran.rows]
    return replace(ran, rows=tuple(rows))


def exact(control: Ran, known: Mapping[int, tuple[float | None, float]]) -> bool | None:
    """Whether losses and norms of the replay are those of the run bit for bit.

    `known` holds loss and norm by step. None where no step is in both.
    """
    pairs = [(row, known[row.step]) for row in control.rows if row.step in known]
    if not pairs:
        return None
    return all(_equal(row.loss, loss) and _equal(row.norm, norm) for row, (loss, norm) in pairs)


def _equal(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == other or (math.isnan(one) and math.isnan(other))


def judge(
    failure: Failure,
    ran: Ran,
    trouble: Trouble,
    *,
    clips: bool = False,
    skips: bool = False,
    kinds: Collection[Kind] = tuple(Kind),
) -> Trial:
    """The outcome of a trial, with the steps run from the failing one on.

    `clips`: gradients may spike, they do no harm. `skips`: the failing step itself does not count.
    `kinds`: which events of a finite failure count.
    """
    after = [row for row in ran.rows if row.tick >= trouble.tick]
    returned = ran.rows[-1].step if ran.broke and ran.rows else None
    if failure.stalled_at is not None:
        returned = None if returned is None and _learned(failure, ran) else failure.step
    elif returned is None and failure.finite:
        ignored = frozenset({failure.step}) if skips else frozenset()
        returned = _finite_failure(failure, ran, ignored, clips=clips, kinds=kinds)
    if returned is None and sum(map(_lost, after)) > len(after) / 2:
        returned = next(row.step for row in after if _lost(row))
    if returned is None and not ran.sound:
        returned = ran.rows[-1].step if ran.rows else failure.step
    late = failure.step + (LATE if failure.finite else 0)
    outcome = PREVENTED
    if returned is not None:
        outcome = NOT_PREVENTED if returned <= late else DELAYED
    count = sum(returned is None or row.step < returned for row in after)
    return Trial(outcome, count, returned, final_loss(ran))


def _lost(row: Row) -> bool:
    """Whether a step taught nothing, for it was not finite, and was skipped."""
    return not math.isfinite(row.norm) or (row.loss is not None and not math.isfinite(row.loss))


def _learned(failure: Failure, ran: Ran) -> bool:
    """Whether the loss came clearly below where the run had come to."""
    reached, level = final_loss(ran), failure.stalled_at
    losses = [row.loss for row in ran.rows[-BEFORE:] if row.loss is not None]
    if reached is None or level is None or ran.broke:
        return False
    if level == 0:  # exactly: nothing was seen at all
        return reached > 0
    noise = statistics.pstdev(losses) if len(losses) > 1 else 0.0
    return reached < level - max(LEARNED * abs(level), noise)


def final_loss(ran: Ran) -> float | None:
    """The median of the last steps' finite losses; None where there is none."""
    losses = [row.loss for row in ran.rows[-LAST:] if row.loss is not None]
    known = [loss for loss in losses if math.isfinite(loss)]
    return statistics.median(known) if known else None


def usual_loss(losses: Sequence[float]) -> tuple[float, float] | None:
    """Middle and upper bound of the losses before the trouble; None where there are too few."""
    known = [loss for loss in losses if math.isfinite(loss)][-BEFORE:]
    if not known:
        return None
    middle = statistics.median(known)
    spread = 1.4826 * statistics.median(abs(loss - middle) for loss in known)
    if len(known) < LAST:
        spread = max(spread, max(known) - middle)
    return middle, middle + SPREADS * spread + ROOM * abs(middle)


def healthy(trial: Trial, usual: tuple[float, float] | None) -> bool:
    """Whether the failure is away and the final loss is in line with those before it."""
    if trial.outcome != PREVENTED:
        return False
    return trial.final_loss is None or usual is None or trial.final_loss <= usual[1]


def _finite_failure(
    failure: Failure,
    ran: Ran,
    ignored: frozenset[int],
    *,
    clips: bool = False,
    kinds: Collection[Kind] = tuple(Kind),
) -> int | None:
    """The first step from which the detectors see a spike or worse in what was run again."""
    run = failure.run
    if run is None or not ran.rows:
        return None
    rows = {failure.place: [row for row in ran.rows if row.step not in ignored]}
    for row in ran.others:
        rows.setdefault(row.place, []).append(row)
    again = splice(run, failure.series, rows, ran.rows[-1].step)
    norms = {series.name for series in run.every(Role.GRAD_NORM)} if clips else set()
    steps = [
        event.step
        for event in _grave(failure, again)
        if event.kind in kinds and event.series not in norms and event.step is not None
    ]
    return min((step for step in steps if step >= ran.rows[0].step), default=None)


def rows_needed(failure: Failure, last: int) -> int:
    """The steps after its first within which a finite failure is recognised, at most to `last`."""
    most, shown = last - failure.step, FEWEST
    while failure.run is not None and shown < most:
        seen = splice(failure.run, failure.series, {}, failure.step + shown + MARGIN)
        if any((event.step or 0) <= failure.step + LATE for event in _grave(failure, seen)):
            return shown
        shown *= 2
    return most


def _grave(failure: Failure, run: Run) -> list[Event]:
    """What the detectors see of the optimizer in question that is a spike or worse."""
    return [
        event
        for event in diagnosis.detect(run)
        if (event.severity.rank >= Severity.SPIKE.rank or _drifts(failure, event))
        and failure.series.get(event.series or "", failure.place) == failure.place
    ]


def _drifts(failure: Failure, event: Event) -> bool:
    return failure.drifts and event.kind is Kind.DIVERGENCE
