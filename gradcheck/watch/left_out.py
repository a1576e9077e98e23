"""Notices parameters that no optimizer updates, and optimizers whose parameters nothing reaches."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from gradcheck.model import Observation
from gradcheck.model.inside import NO_GRADIENT
from gradcheck.watch import tensors
from gradcheck.watch.probe import Probe

AFTER = (4, 40)
"""Steps after which to look, from the first one on and from where modules were made later."""
NEARLY_ALL = 0.8
"""Of the numbers that an optimizer holds; a layer that is not used is a part of many models."""
SHARE = 0.3
"""Of the parameters of all models, below which a head that is left out may be meant to be."""


class LeftOut:
    """Looks a few steps after models were made, each time in two steps that follow each other.

    A gradient that is the same in both is an old one, of a model that is not trained any more.
    """

    def __init__(self, probe: Probe) -> None:
        self.found: list[Observation] = []
        self._probe = probe
        self._version = -1
        self._since: int | None = None
        self._due: list[int] = []
        self._before: Mapping[str, float] | None = None

    def look(self, ticks: int) -> None:
        """A step is over, the one that is numbered `ticks` from 1 on."""
        version = self._probe.registry.version
        if version != self._version:
            late = self._version >= 0 and ticks > max(AFTER)
            self._since = self._probe.optimizers.next_step() - 1 if late else None
            self._version, begun = version, ticks if late else 0
            self._due = [begun + steps for steps in AFTER]
        if self._before is not None:
            seen = observations(self._probe, self._before, self._since)
            self.found = [*seen, *unreached(self._probe)]
            self._before = None
        if self._due and ticks >= self._due[0]:
            del self._due[0]
            self._before = gradients(self._probe)


def gradients(probe: Probe) -> dict[str, float]:
    """The norms of all gradients, by the names of their parameters.

    Those of tensors that no model holds, and an optimizer does, are among them.
    """
    held: dict[str, Tensor] = dict(probe.optimizers.names.parameters())
    known = {id(p) for p in held.values()}
    for followed in probe.optimizers:
        own = enumerate(followed.parameters)
        held |= {f"{followed.place}.{at}": p for at, p in own if id(p) not in known}
    found = {name: p.grad for name, p in held.items() if p.grad is not None}
    return dict(zip(found, tensors.total_norm(list(found.values()))[1], strict=True))


def observations(
    probe: Probe, before: Mapping[str, float], since: int | None = None
) -> Iterator[Observation]:
    """Parameters that get gradients and have no optimizer, or an optimizer and never a gradient.

    `before` are the norms of all gradients a step ago, `since` is the step that began it.
    """
    held = probe.optimizers.names.parameters()
    updated = {id(p) for _, followed in probe.optimizers.items() for p in followed.parameters}
    fresh = [name for name, norm in gradients(probe).items() if before.get(name) != norm]
    lost = [name for name in fresh if name in held and id(held[name]) not in updated]
    stepped = [followed for followed in probe.optimizers if followed.steps > followed.begun_at]
    begun = "" if since is None else f" since step {since}"
    if stepped and lost and len(lost) == len(fresh):
        yield Observation(
            "model_left_out",
            f"no optimizer updates any of the {len(lost)} parameters that get gradients{begun} "
            f"({lost[0]}, …)",
            since,
        )
    elif len(lost) >= SHARE * len(held) > 0:
        yield Observation(
            "parameters_left_out",
            f"{len(lost)} of {len(held)} parameters get gradients{begun}, but no optimizer "
            f"updates them ({lost[0]}, …)",
            since,
        )
    elif stepped and not any(followed.reached for followed in stepped):
        yield Observation(
            "parameters_left_out",
            "none of the parameters that the optimizer updates ever got a gradient",
            None,
        )


def unreached(probe: Probe) -> Iterator[Observation]:
    """Is most of what an optimizer holds never given a gradient, as behind a `detach`?

    An optimizer keeps state of each parameter that it has updated, if it keeps any.
    """
    for optimizer, followed in probe.optimizers.items():
        wanted = [(at, p) for at, p in enumerate(followed.parameters) if p.requires_grad]
        never = [(at, p) for at, p in wanted if p not in optimizer.state]
        size, missed = (sum(p.numel() for _, p in held) for held in (wanted, never))
        one_for_all = isinstance(optimizer, torch.optim.LBFGS)
        if one_for_all or len(never) == len(wanted) or missed < NEARLY_ALL * size:
            continue
        name = probe.optimizers.names.of(never[0][1], never[0][0])
        yield Observation(
            NO_GRADIENT,
            f"{missed / size:.0%} of the numbers that the optimizer is to train never got a "
            f"gradient ({len(never)} of {len(wanted)} parameters: {name}, …)",
            followed.begun_at,
        )
