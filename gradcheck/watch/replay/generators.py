"""Random number generators, global ones and those of the script's own: read and put back."""

# mypy: allow-untyped-calls
from __future__ import annotations

import copy
import random
import sys
from collections.abc import Mapping
from types import FrameType, ModuleType
from typing import Any

import torch

from gradcheck.watch import frames


def generators() -> dict[str, Any]:
    """The states of the global random number generators."""
    found: dict[str, Any] = {"torch": torch.get_rng_state(), "python": random.getstate()}
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        found["cuda"] = torch.cuda.get_rng_state_all()
    numpy = _numpy()
    if numpy is not None:
        found["numpy"] = numpy.random.get_state()
    return found


def all_generators() -> dict[str, Any]:
    """The same and those of the script's own, which mean nothing to another process."""
    return {**generators(), "own": {id(one): _state(one) for one in _own()}}


def portable(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the states that another process can put back."""
    return {name: state for name, state in kept.items() if name != "own"}


def set_generators(kept: Mapping[str, Any]) -> None:
    """Put the generators back."""
    torch.set_rng_state(kept["torch"])
    random.setstate(kept["python"])
    if "cuda" in kept and torch.cuda.is_available():
        for at, one in enumerate(kept["cuda"][: torch.cuda.device_count()]):
            torch.cuda.set_rng_state(one, at)
    numpy = _numpy()
    if "numpy" in kept and numpy is not None:
        numpy.random.set_state(kept["numpy"])
    own = kept.get("own", {})
    for one in _own() if own else ():
        if id(one) in own:
            _set_state(one, own[id(one)])


def _own() -> list[Any]:
    """Generators that the running code of the user holds: in variables, or in its own objects."""
    kinds = _kinds()
    found: dict[int, Any] = {}
    scopes: dict[int, Mapping[str, Any]] = {}
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frames.is_users(frame.f_code.co_filename):
            scopes[id(frame.f_globals)] = frame.f_globals
            scopes[id(frame)] = frame.f_locals
        frame = frame.f_back
    for scope in scopes.values():
        for value in list(scope.values()):
            held = [value, *_attributes(value)]
            found |= {id(one): one for one in held if isinstance(one, kinds)}
    return list(found.values())


def _attributes(value: Any) -> list[Any]:
    """What an object of a class of the user's own holds."""
    kind = type(value)
    if isinstance(value, type | ModuleType):
        return []
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    held = getattr(value, "__dict__", None)
    if not isinstance(file, str) or not isinstance(held, dict) or not frames.is_users(file):
        return []
    return list(held.values())


def _kinds() -> tuple[type, ...]:
    kinds: list[type] = [torch.Generator, random.Random]
    numpy = _numpy()
    if numpy is not None:
        kinds += [numpy.random.Generator, numpy.random.RandomState]
    return tuple(kinds)


def _state(generator: Any) -> Any:
    if isinstance(generator, random.Random):
        return generator.getstate()
    if hasattr(generator, "bit_generator"):
        return copy.deepcopy(generator.bit_generator.state)
    return generator.get_state()


def _set_state(generator: Any, state: Any) -> None:
    if isinstance(generator, random.Random):
        generator.setstate(state)
    elif hasattr(generator, "bit_generator"):
        generator.bit_generator.state = state
    else:
        generator.set_state(state)


def _numpy() -> Any:
    return sys.modules.get("numpy")
