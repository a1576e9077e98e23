"""Notices an optimizer that goes on with a model built again, or begins with another one."""

# mypy: allow-untyped-calls
from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer

from gradcheck.model import Observation
from gradcheck.model.inside import OTHER_MODEL
from gradcheck.watch.followed import Followed

LEAST_STEPS = 20
"""Steps before it without which there was nothing to forget."""
MOST = 4
"""Optimizers after which a new one is a habit: one for each task, say."""
MOST_LOST, HELD = 0.02, 1e-15
"""Share of second moments that may be 0 beside a first one that is not; of a size whose square
float32 holds."""
SOON = 30
"""Steps after it within which a trouble may come of it."""


@dataclass(frozen=True)
class _Begun:
    step: int
    empty: bool
    shapes: tuple[tuple[int, ...], ...]
    held: tuple[weakref.ref[Tensor], ...]
    followed: weakref.ref[Followed]
    lost: float = 0.0
    """Share of its second moments that are 0 where the first are not, which no step leaves."""

    def resumes(self, other: _Begun) -> bool:
        """Whether it updates a model of the same shapes that is not the same."""
        return self.shapes == other.shapes and self.held[0]() is not other.held[0]()

    def has_ended_at(self, step: int) -> bool:
        """Whether it made no step from then on."""
        followed = self.followed()
        return followed is None or followed.steps <= step

    def shares_with(self, other: _Begun) -> bool:
        """Whether it updates a parameter that another one does, or did."""
        held = {id(parameter) for ref in self.held if (parameter := ref()) is not None}
        return any(id(ref()) in held for ref in other.held)


class Takeovers:
    """The first steps of optimizers, and what their state held then."""

    def __init__(self) -> None:
        self._begun: list[_Begun] = []
        self._steps: set[int] = set()
        """The first steps of all of them."""

    def begins(self, optimizer: Optimizer, followed: Followed) -> None:
        """An optimizer is about to take its first step."""
        self._steps.add(followed.steps)
        if len(self._begun) <= MOST and followed.parameters:
            shapes = tuple(tuple(p.shape) for p in followed.parameters)
            empty = _is_new(optimizer) and _has_memory(optimizer)
            held = tuple(weakref.ref(parameter) for parameter in followed.parameters)
            known = weakref.ref(followed)
            self._begun.append(_Begun(followed.steps, empty, shapes, held, known, _lost(optimizer)))

    def begins_near(self, onset: int) -> bool:
        """Whether one took its first step there, or took over: its model is new, or was loaded."""
        return onset > 0 and (onset in self._steps or self.before(onset) is not None)

    def before(self, onset: int) -> int | None:
        """The step of the last takeover from which a trouble may come; None without one."""
        if len(self._begun) > MOST:
            return None
        steps = [
            one.step
            for place, one in enumerate(self._begun)
            if one.step >= LEAST_STEPS and any(one.resumes(old) for old in self._begun[:place])
        ]
        return next((step for step in reversed(steps) if 0 <= onset - step <= SOON), None)

    def other_models(self) -> Iterator[Observation]:
        """Where the training of another model began, after that of all models before it."""
        if len(self._begun) > MOST:
            return
        for place, one in enumerate(self._begun):
            before = self._begun[:place]
            ended = all(old.has_ended_at(one.step) for old in before)
            alike = any(one.shapes == old.shapes or one.shares_with(old) for old in before)
            if before and one.step >= LEAST_STEPS and ended and not alike:
                yield Observation(
                    OTHER_MODEL,
                    f"at step {one.step} the training of another model begins",
                    one.step,
                )

    def observations(self, onset: int) -> Iterator[Observation]:
        """Did the trouble begin where an optimizer without a memory went on?"""
        step = self.before(onset)
        if step is not None and any(one.step == step and one.empty for one in self._begun):
            yield Observation(
                "optimizer_began_anew",
                f"at step {step} a new optimizer went on with a model built again, and its state "
                f"was empty: what the one before it had gathered in {step} steps was not loaded",
                step,
            )

    def damaged(self, onset: int) -> Iterator[Observation]:
        """Did the trouble begin where an optimizer went on from moments that a checkpoint lost?"""
        for one in self._begun:
            if one.lost >= MOST_LOST and 0 <= onset - one.step <= SOON:
                yield Observation(
                    "moments_lost",
                    f"the optimizer that takes its first step at step {one.step} was given second "
                    f"moments that are 0 in {one.lost:.0%} of the places where the first are not: "
                    "they were lost where its state was saved, in float16 say",
                    one.step,
                )


@torch.no_grad()
def _lost(optimizer: Optimizer) -> float:
    pairs = [
        (state["exp_avg"], state["exp_avg_sq"])
        for state in optimizer.state.values()
        if isinstance(state.get("exp_avg"), Tensor) and isinstance(state.get("exp_avg_sq"), Tensor)
    ]
    alike = [(m, v) for m, v in pairs if m.shape == v.shape and m.layout == torch.strided]
    moved = [(m.abs() > HELD, v) for m, v in alike]
    places = sum(int(m.sum()) for m, _ in moved)
    return sum(int(((v == 0) & m).sum()) for m, v in moved) / places if places else 0.0


def _is_new(optimizer: Optimizer) -> bool:
    """Whether its state counts no step yet: some fill it in when they are made."""
    return all(float(state.get("step", 1.0)) == 0 for state in optimizer.state.values())


def _has_memory(optimizer: Optimizer) -> bool:
    """Whether it keeps more than the weights: moments, or momentum."""
    groups = optimizer.param_groups
    plain = all("momentum" in group and not group["momentum"] for group in groups)
    return not plain
