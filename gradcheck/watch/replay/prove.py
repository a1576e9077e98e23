"""Finds out by replays what keeps a failure away: the control first, then one change at a time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from gradcheck.model import Kind, Replay, Tried
from gradcheck.model.inside import EARLIER, FREEZE
from gradcheck.proving import EXAMINATIONS
from gradcheck.watch.changes import catalogue
from gradcheck.watch.changes.base import LEAD, Trouble
from gradcheck.watch.probe import Probe
from gradcheck.watch.replay import verdict
from gradcheck.watch.replay.verdict import PREVENTED, Failure, Ran

HORIZON = 25
"""Steps that a change must hold, at least."""
CHEAP = 2.0
"""Seconds within which a whole epoch is run after the failing step."""
MOST_SECONDS = 20.0
"""That one replay may take by the pace of the run."""
FORK, RERUN = "fork", "rerun"
SLACK, LONGER = 10.0, 6.0
"""Seconds, and times the pace of the run, after which a replay is given up."""


@dataclass(frozen=True)
class Order:
    """One replay: which change, from which step at the latest, up to which."""

    change: str | None
    trouble: Trouble
    upto: int
    """The last tick from which it may begin."""
    last: int
    """The tick after which it is over."""
    patience: float
    skips_fail: bool = False

    def message(self) -> dict[str, Any]:
        """As a replay is told."""
        return {
            "mode": "trial",
            "from": 0,
            "change": self.change,
            "trouble": asdict(self.trouble),
            "skips_fail": self.skips_fail,
        }


_WHAT_COUNTS = {
    FREEZE: (Kind.DIVERGENCE,),
    EARLIER: (Kind.LOSS_SPIKE, Kind.GRADIENT_SPIKE),
}
"""The events that an examination asks for; a remedy has to keep all of them away."""

Answers = Generator[Order, Mapping[str, Any] | None, Replay | None]


@dataclass(frozen=True)
class Situation:
    """All that is known when the experiments begin."""

    probe: Probe
    failure: Failure
    trouble: Trouble
    onset: int
    """The tick at which the trouble began, not after the failing one."""
    method: str
    known: Mapping[int, tuple[float | None, float]]
    """Loss and norm of the run by step."""
    pace: float
    """Seconds a tick."""
    epoch: int | None = None
    per_step: int = 1
    """Ticks a step."""
    skips_fail: bool = False
    losses: Sequence[float] = field(default=())
    """Those before the onset."""
    startup: float = 0.0
    """Seconds that a replay takes before its first tick."""
    longest: float = MOST_SECONDS
    """Seconds that one replay may take by the pace of the run."""

    @property
    def late(self) -> int:
        """From where changes may begin that act on the failing step alone."""
        return max(0, self.trouble.tick - 2 * self.per_step)

    @property
    def early(self) -> int:
        """From where changes may begin that need time to act."""
        return max(0, min(self.onset - LEAD * self.per_step, self.late))

    @property
    def has_floor(self) -> bool:
        """Whether the loss never was below 0, so that the lower one is the better."""
        return all(loss >= 0 for loss in self.losses)

    @property
    def horizon(self) -> int:
        """Ticks to run after the failing one."""
        steps = max(HORIZON, self.failure.lasts + verdict.MARGIN)
        if self.epoch and self.epoch * self.per_step * self.pace <= CHEAP:
            steps = max(steps, self.epoch + 2)
        return steps * self.per_step


def experiments(
    situation: Situation, changes: Sequence[str], start: Callable[[int], int | None]
) -> Answers:
    """Yields what to replay, takes the answers, and returns what they prove.

    `start` gives the tick from which a replay really begins, for the latest that it may. None is
    returned where no replay can be had.
    """
    control, upto, same = yield from _control(situation, start)
    if control is None:
        return None
    exact = bool(verdict.exact(control, situation.known))
    first = 0 if situation.method == RERUN else control.rows[0].step if control.rows else None
    tried: list[Tried] = []
    idle: list[str] = []
    for name in changes if same else ():
        begin = _begin(situation, name, upto, start)
        if begin is None:
            continue
        ran = verdict.read((yield _order(situation, name, begin)), situation.failure.place)
        if ran is not None and ran.acted:
            one = _tried(situation, name, ran)
            if one.trial.outcome != PREVENTED or one.trial.steps:  # else it ended too early
                tried.append(one)
        elif ran is not None:
            idle.append(name)
    best = ranked(tried, by_loss=situation.has_floor)
    stalled = situation.failure.stalled_at is not None
    return Replay(
        situation.method,
        same,
        exact,
        first,
        tuple(best),
        tuple(idle),
        stalled,
        situation.failure.finite and not stalled,
    )


def _control(
    situation: Situation, start: Callable[[int], int | None]
) -> Generator[Order, Mapping[str, Any] | None, tuple[Ran | None, int, bool]]:
    """The steps run again unchanged: what came, from where at the latest, and if it was the same.

    Changes that need time begin where the failure came back, as early as it does.
    """
    control = None
    for upto in dict.fromkeys((situation.early, situation.late)):
        if seconds(situation, start(upto)) > situation.longest:
            continue
        control = verdict.read((yield _order(situation, None, upto)), situation.failure.place)
        if control is not None and verdict.same(situation.failure, control):
            return control, upto, True
    return control, situation.late, False


def _begin(
    situation: Situation, name: str, upto: int, start: Callable[[int], int | None]
) -> int | None:
    """The latest tick from which a change may begin; None where it cannot be reached."""
    kind = catalogue.changes()[name]
    begin = 0 if kind.from_start else upto if kind.early else situation.late
    reached = start(begin)
    if seconds(situation, reached) > situation.longest or (kind.from_start and reached != 0):
        return None
    return begin


def _tried(situation: Situation, name: str, ran: Ran) -> Tried:
    kind = catalogue.changes()[name]
    failure, judged, losses = situation.failure, ran, situation.losses
    if kind.reverses and verdict.is_negated(failure):
        failure, judged = verdict.negated(failure), verdict.reversed_rows(ran)
        losses = [-loss for loss in losses]
    outcome = verdict.judge(
        failure,
        judged,
        situation.trouble,
        clips=kind.clips,
        skips=kind.once,
        kinds=_WHAT_COUNTS.get(name, tuple(Kind)),
    )
    advice = catalogue.make(name, situation.probe, situation.trouble).advice()
    fine = verdict.healthy(outcome, verdict.usual_loss(losses))
    outcome = replace(outcome, final_loss=verdict.final_loss(ran))
    gradient = usual([row.norm for row in ran.rows], 1)
    return Tried(name, advice, kind.snippet, outcome, fine, gradient)


def ranked(tried: Sequence[Tried], *, by_loss: bool = True) -> list[Tried]:
    """The best first: what keeps the failure away and leaves a sound training, in the order given.

    Among those, one whose final loss lies far above the best of them comes after the others, where
    losses can be compared: one without a lower bound says nothing. Last of them come examinations.
    """
    held = [one for one in tried if one.healthy and one.trial.outcome == PREVENTED]
    losses = [one.trial.final_loss for one in held if one.change not in EXAMINATIONS]
    known = [loss for loss in losses if loss is not None]
    best = min(known, default=None)
    room = 0.5 * abs(best) if best is not None else math.inf

    def key(item: tuple[int, Tried]) -> tuple[int, bool, bool, bool, int]:
        place, one = item
        outcomes = (PREVENTED, verdict.DELAYED, verdict.NOT_PREVENTED)
        loss = one.trial.final_loss
        worse = by_loss and best is not None and loss is not None and loss > best + room
        looks = one.change in EXAMINATIONS
        return outcomes.index(one.trial.outcome), not one.healthy, looks, worse, place

    return [one for _, one in sorted(enumerate(tried), key=key)]


def joined(situation: Situation, one: Replay, other: Replay) -> Replay:
    """Two rounds of trials of the same failure as one."""
    tried = ranked([*one.tried, *other.tried], by_loss=situation.has_floor)
    return replace(one, tried=tuple(tried), idle=(*one.idle, *other.idle))


def _order(situation: Situation, change: str | None, upto: int) -> Order:
    last = situation.trouble.tick + situation.horizon
    if change is None and not situation.failure.finite:
        last = situation.trouble.tick + situation.per_step
    return Order(
        change,
        situation.trouble,
        upto,
        last,
        SLACK + LONGER * (last - upto) * situation.pace,
        situation.skips_fail,
    )


def seconds(situation: Situation, begin: int | None) -> float:
    """How long a replay takes that begins at this tick; infinite where there is none."""
    if begin is None:
        return math.inf
    steps = situation.trouble.tick + situation.horizon - begin
    return situation.startup + steps * situation.pace


def usual(values: Sequence[float], least: int) -> float | None:
    """The median of what is finite; None where there are fewer than `least`."""
    known = [value for value in values if math.isfinite(value)]
    return statistics.median(known) if len(known) >= least else None
