"""Notices mistakes of the training loop: gradients kept, clips out of place, sums for averages."""

# mypy: allow-untyped-calls
from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor
from torch.optim.optimizer import Optimizer

from gradcheck.model import Observation
from gradcheck.watch import frames, tensors
from gradcheck.watch.followed import Followed, Step
from gradcheck.watch.signs import Signs
from gradcheck.wording import number

CHECKED_STEPS = 6
CHECK_EVERY = 64
LEAST = 2
MOST_PARAMETERS = 400
SCALED_DOWN = 8.0
"""What a clip left over what the step uses: it was divided in between."""

_version = operator.attrgetter("_version")


@dataclass
class _Loop:
    """What happened to one optimizer's gradients since its last step."""

    steps: int = 0
    cleared: bool = True
    backwards: int = 0
    passes: int = 0
    """Backward passes since the last step, those of a closure that ran before included."""
    most_passes: int = 1
    divided: bool = False
    lines: list[int] = field(default_factory=list)
    kept_now: float = 0.0
    checked: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)
    clips_in_place: int = 0
    clip_now: str | None = None
    cut_to: float | None = None
    """The norm that the last clip left, if it took anything away."""
    micro: Counter[int] = field(default_factory=Counter)
    versions: int = 0
    """How often the weights were written to in all, as their update left them."""
    written: list[int] = field(default_factory=list)
    kept_share: float = 0.0

    def count(self, key: str) -> None:
        self.counts[key] += 1
        self.first.setdefault(key, self.steps)


class LoopChecks:
    """Cheap checks at the calls of a loop; more of them in its first steps."""

    def __init__(self) -> None:
        self._loops: dict[int, _Loop] = {}
        self._signs = Signs()

    def _of(self, followed: Followed) -> _Loop:
        loop = self._loops.get(followed.serial)
        if loop is None:
            loop = self._loops[followed.serial] = _Loop()
        return loop

    def cleared(self, optimizers: Iterable[Followed]) -> None:
        """Gradients are set to zero: of one optimizer, or of a whole model."""
        for followed in optimizers:
            loop = self._loops.get(followed.serial)
            if loop is not None:
                loop.cleared = True
                loop.kept_now = 0.0
                loop.backwards = 0  # what they added up is gone: a closure that runs again
                loop.lines.clear()

    def before_backward(
        self, optimizers: Iterable[Followed], loss: Tensor, *, scaled: bool
    ) -> None:
        """Are gradients of the last step still there? Is the loss of a micro-batch divided?"""
        self._signs.read(loss, scaled=scaled)
        for followed in optimizers:
            loop = self._of(followed)
            looks = loop.steps < CHECKED_STEPS or loop.steps % CHECK_EVERY == 0
            if loop.steps and not loop.backwards and looks:
                loop.kept_now = _share_kept(followed.parameters)
                loop.checked += 1
            loop.backwards += 1
            loop.passes += 1
            if loop.steps < CHECKED_STEPS or loop.backwards > 1:
                place = frames.here()
                loop.lines.append(place.line if place else 0)
                loop.divided |= _is_quotient(loss, scaled=scaled)

    def clipped(
        self,
        followed: Followed,
        scale: float | None,
        limit: object = None,
        parameters: object = None,
    ) -> None:
        """Was there anything to clip, and was it what the step will use?"""
        loop = self._of(followed)
        if isinstance(parameters, list) and not parameters:
            loop.clip_now = "clipped_nothing"
            return
        cut = isinstance(limit, int | float) and (followed.clip_norm or 0.0) > limit
        loop.cut_to = float(limit) if cut and isinstance(limit, int | float) else None
        if not loop.backwards:
            key = "clipped_too_early" if loop.cleared or not loop.steps else "clipped_too_late"
            loop.clip_now = key
            return
        loop.clips_in_place += 1
        if scale is not None and scale > 1.0 and not followed.unscaled:
            loop.count("clipped_while_scaled")

    def stepping(self, followed: Followed) -> None:
        """The step is about to be taken: did anything but a step change the weights?"""
        loop = self._of(followed)
        if loop.versions and loop.versions != _versions(followed):
            loop.written.append(loop.steps)

    def stepped(self, optimizer: Optimizer, followed: Followed, step: Step) -> None:
        """The step was taken."""
        loop = self._of(followed)
        if loop.kept_now and not (loop.cleared and loop.steps):
            loop.count("gradients_kept")
            loop.kept_share = max(loop.kept_share, loop.kept_now)
        if loop.clip_now is not None:
            loop.count(loop.clip_now)
        if loop.cut_to is not None and 0 < step.norm < loop.cut_to / SCALED_DOWN:
            loop.count("clipped_while_scaled")
        loop.cut_to = None
        loop.clip_now = None
        # later on, the first of several passes is not looked at
        repeated = len(loop.lines) > 1 and len(set(loop.lines)) == 1
        if repeated and not loop.divided:
            loop.micro[loop.backwards] += 1
        loop.most_passes, loop.passes = max(loop.most_passes, loop.passes), 0
        self._signs.stepped(followed.serial, loop.steps)
        if any(_climbs(group) for group in optimizer.param_groups):
            loop.count("update_climbs")
        loop.steps += 1
        loop.cleared, loop.divided, loop.backwards, loop.kept_now = False, False, 0, 0.0
        loop.lines.clear()
        loop.versions = _versions(followed)

    def written_at(self, step: int) -> bool:
        """Whether weights were overwritten just before this step, which is not a habit."""
        return any(
            step in loop.written and len(loop.written) <= max(2, loop.steps // 20)
            for loop in self._loops.values()
        )

    @property
    def keeps_gradients(self) -> bool:
        """Whether gradients of one step were still there when backward of the next began."""
        return any(loop.counts["gradients_kept"] for loop in self._loops.values())

    @property
    def learns_width(self) -> bool:
        """Whether the loss is a density whose width the model predicts."""
        return self._signs.learns_width

    @property
    def accumulated(self) -> int:
        """How many backward passes there were in one step, at most."""
        return max((loop.most_passes for loop in self._loops.values()), default=1)

    def observations(self) -> Iterator[Observation]:
        """What was seen often enough to be a habit of the loop."""
        for loop in self._loops.values():
            yield from _told(loop)
        yield from self._signs.observations()


def _told(loop: _Loop) -> Iterator[Observation]:
    yield from _kept(loop)
    yield from _clips(loop)
    if loop.micro:
        count, seen = loop.micro.most_common(1)[0]
        if seen >= LEAST:
            yield Observation(
                "accumulated_undivided",
                f"each step adds up the gradients of {number(count)} losses, none of them divided",
                0,
                values={"count": float(count)},
            )
    if loop.counts["update_climbs"] >= LEAST:
        yield Observation(
            "update_climbs",
            "the optimizer's settings (maximize, a negative rate or weight decay) move the "
            "weights up the loss",
            loop.first["update_climbs"],
        )


def _kept(loop: _Loop) -> Iterator[Observation]:
    kept = loop.counts["gradients_kept"]
    if kept < LEAST:
        return
    always = kept >= 0.5 * loop.checked
    statement = (
        f"when backward began, {loop.kept_share:.0%} of the parameters still held the gradients "
        f"of the step before (in {kept} of {loop.checked} steps that were checked)"
    )
    yield Observation(
        "gradients_kept", statement, loop.first["gradients_kept"], 1 if always else 0.6
    )


def _clips(loop: _Loop) -> Iterator[Observation]:
    if loop.counts["clipped_while_scaled"] >= LEAST:
        yield Observation(
            "clipped_while_scaled",
            "clipping ran on gradients that were still multiplied by a scale of the loss: what the "
            "step uses is a small part of what the clip left",
            loop.first["clipped_while_scaled"],
        )
    for key, when in (
        ("clipped_too_late", "after the step that it was meant for"),
        ("clipped_too_early", "before backward had filled the gradients"),
        ("clipped_nothing", "on no parameters at all: a generator gives them only once"),
    ):
        if loop.counts[key] >= LEAST and not loop.clips_in_place:
            yield Observation(key, f"clipping ran {when}", loop.first[key])


def _share_kept(parameters: list[Tensor]) -> float:
    grads = [p.grad for p in parameters if p.grad is not None]
    if not grads:
        return 0.0
    _, each = tensors.total_norm(grads)
    return sum(norm > 0 for norm in each) / len(parameters)


def _is_quotient(loss: Tensor, *, scaled: bool) -> bool:
    """Whether a loss was divided or multiplied by something at last, apart from its loss scale."""
    node = loss.grad_fn
    if node is not None and scaled:
        node = node.next_functions[0][0]
    return node is not None and ("Div" in node.name() or "Mul" in node.name())


def _climbs(group: dict[str, Any]) -> bool:
    rate = group.get("lr", 0.0)
    decay = group.get("weight_decay", 0.0) or 0.0
    return bool(group.get("maximize")) or float(rate) < 0 or float(decay) < 0


def _versions(followed: Followed) -> int:
    return sum(map(_version, followed.parameters[:MOST_PARAMETERS]))
