"""The state of a training that a step depends on: collected, kept aside, and put back."""

# mypy: allow-untyped-calls
from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from gradcheck.watch.probe import Probe
from gradcheck.watch.replay.generators import all_generators, set_generators

_save, _load = torch.save, torch.load  # before a replay forbids them


@dataclass(frozen=True)
class State:
    """Copies of everything, in the order in which the probe lists it."""

    tick: int
    steps: tuple[int, ...]
    """Of each optimizer."""
    tensors: Mapping[str, Tensor]
    """Parameters and buffers by name, and parameters that no module holds."""
    optimizers: Sequence[Mapping[str, Any]]
    scalers: Sequence[Mapping[str, Any] | None]
    schedulers: Sequence[Mapping[str, Any]]
    generators: Mapping[str, Any]
    """States of the random number generators of torch, Python and NumPy."""


def collect(probe: Probe, tick: int) -> State:
    """Copy what there is now; tensors on a device are copied to the host."""
    followed = list(probe.optimizers)
    return State(
        tick,
        tuple(one.steps for one in followed),
        {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors(probe).items()},
        [_on_host(optimizer.state_dict()) for optimizer, _ in probe.optimizers.items()],
        [None if f.scaler is None else dict(f.scaler.state_dict()) for f in followed],
        [copy.deepcopy(_plain(s.state_dict())) for s in schedulers(probe)],
        all_generators(),
    )


@torch.no_grad()
def restore(probe: Probe, state: State, *, with_generators: bool = True) -> None:
    """Put everything back where it is, without making any tensor anew."""
    held = tensors(probe)
    for name, kept in state.tensors.items():
        if name in held and held[name].shape == kept.shape:
            held[name].copy_(kept)
    for (optimizer, followed), kept_state, scaler in zip(
        probe.optimizers.items(), state.optimizers, state.scalers, strict=False
    ):
        optimizer.load_state_dict(copy.deepcopy(dict(kept_state)))
        if scaler is not None and followed.scaler is not None:
            followed.scaler.load_state_dict(dict(scaler))
        for parameter in followed.parameters:
            parameter.grad = None
    for scheduler, kept_schedule in zip(schedulers(probe), state.schedulers, strict=False):
        scheduler.load_state_dict(copy.deepcopy(dict(kept_schedule)))
    if with_generators:
        set_generators(state.generators)


def write(state: State, path: Path) -> None:
    """Write it for the training itself to read, in the same session."""
    _save(vars(state), str(path))


def read(path: Path) -> State:
    """Read what a replay of this very process has just written."""
    return State(**_load(str(path), weights_only=False))


def tensors(probe: Probe) -> dict[str, Tensor]:
    """All parameters and buffers that are known, integers such as batch counts included."""
    found: dict[str, Tensor] = {}
    for at, top in enumerate(probe.optimizers.names.tops):
        for name, tensor in (*top.named_parameters(), *top.named_buffers()):
            found[f"{at}.{name}"] = tensor
    known = {id(tensor) for tensor in found.values()}
    for followed in probe.optimizers:
        for at, parameter in enumerate(followed.parameters):
            if id(parameter) not in known:
                found[f"optimizer{followed.place}.{at}"] = parameter
    return found


def schedulers(probe: Probe) -> list[LRScheduler]:
    """Learning rate schedules of the optimizers that are followed."""
    optimizers = [optimizer for optimizer, _ in probe.optimizers.items()]
    return [
        scheduler
        for scheduler in probe.schedulers
        if any(scheduler.optimizer is optimizer for optimizer in optimizers)
    ]


def _plain(held: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in held.items() if not callable(value)}


def _on_host(held: Any) -> Any:
    """A copy of nested state, its tensors on the host."""
    if isinstance(held, Tensor):
        return held.detach().to("cpu", copy=True)
    if isinstance(held, Mapping):
        return {key: _on_host(value) for key, value in held.items()}
    if isinstance(held, list | tuple):
        return type(held)(_on_host(value) for value in held)
    return copy.deepcopy(held)
