"""Holds a capture against the script that is to go on from it: models, optimizers, batches."""

# mypy: allow-untyped-calls
from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import UninitializedParameter

from gradcheck.watch.capture.files import MADE, Capture, Kinds
from gradcheck.watch.capture.nested import LEFT
from gradcheck.watch.probe import Probe
from gradcheck.watch.replay import state

_LIKE_PARAMETERS = ("exp_avg", "exp_avg_sq", "momentum_buffer", "square_avg")
"""State of torch's optimizers that has the shape of its parameter."""


class Misfit(Exception):
    """What of the capture is otherwise in the script."""


def kinds(probe: Probe) -> Kinds:
    """Names of the classes of the script's optimizers and schedulers."""
    return Kinds(
        [type(one).__qualname__ for one, _ in probe.optimizers.items()],
        [type(one).__qualname__ for one in state.schedulers(probe)],
    )


def check(capture: Capture, probe: Probe) -> None:
    """Compare names, shapes, types, optimizers and schedules.

    Raises:
        Misfit: they differ.
    """
    whole = capture.moment != MADE
    _check_tensors(capture.state.tensors, state.tensors(probe), whole=whole)
    mine, theirs = capture.kinds, kinds(probe)
    _check_classes("optimizers", mine.optimizers, theirs.optimizers)
    _check_classes("schedules", mine.schedulers, theirs.schedulers)
    for (optimizer, _), kept in zip(
        probe.optimizers.items(), capture.state.optimizers, strict=True
    ):
        name = type(optimizer).__qualname__
        ours, held = _groups(kept), _groups(optimizer.state_dict())
        if ours != held:
            raise Misfit(
                f"its {name} has parameter groups of {ours} parameters, the script's of {held}"
            )
        _check_settings(name, kept, optimizer)
        _check_moments(name, kept, optimizer)


def _check_tensors(
    mine: Mapping[str, Tensor], theirs: Mapping[str, Tensor], *, whole: bool
) -> None:
    for name in mine:
        if name not in theirs:
            raise Misfit(f"the script's model has no {_shown(name)}")
        if isinstance(theirs[name], UninitializedParameter):
            raise Misfit(f"{_shown(name)} of the script's model has no shape before its first use")
        for what in ("shape", "dtype"):
            here, there = getattr(mine[name], what), getattr(theirs[name], what)
            if here != there:
                here, there = (list(one) if what == "shape" else one for one in (here, there))
                raise Misfit(f"its {_shown(name)} has {what} {here}, the script's {there}")
    missing = [name for name in theirs if name not in mine] if whole else []
    if missing:
        raise Misfit(f"it has no {_shown(missing[0])}, as the script's model has")


def _shown(name: str) -> str:
    """A name as the model knows it, without the number of the model."""
    return name.partition(".")[2] or name


def _check_classes(what: str, mine: Sequence[str], theirs: Sequence[str]) -> None:
    if list(mine) != list(theirs):
        mine, theirs = ([*one] or ["none"] for one in (mine, theirs))
        raise Misfit(f"its {what} are {', '.join(mine)}, the script's {', '.join(theirs)}")


def _groups(held: Mapping[str, Any]) -> list[int] | None:
    try:
        return [len(group["params"]) for group in held["param_groups"]]
    except (KeyError, TypeError):
        raise Misfit("the state of an optimizer is damaged") from None


def _check_settings(name: str, kept: Mapping[str, Any], optimizer: torch.optim.Optimizer) -> None:
    """Every setting is there and of the kind that the script's own has."""
    for mine, theirs in zip(kept["param_groups"], optimizer.param_groups, strict=True):
        for key, own in theirs.items():
            given = mine.get(key)
            if key == "params" or own is None or (given is None and key in mine):
                continue
            if _kind(given) != _kind(own):
                raise Misfit(
                    f"the {key} of its {name} is a {type(given).__qualname__}, the script's a "
                    f"{type(own).__qualname__}"
                )


def _kind(value: Any) -> Any:
    return "number" if isinstance(value, int | float | Tensor) else type(value)


def _check_moments(name: str, kept: Mapping[str, Any], optimizer: torch.optim.Optimizer) -> None:
    """The state of every parameter has its shape."""
    held = kept.get("state")
    if not isinstance(held, Mapping):
        raise Misfit(f"the state of its {name} is damaged")
    numbers = [n for group in kept["param_groups"] for n in group["params"]]
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    of = dict(zip(numbers, parameters, strict=True))
    for number, values in held.items():
        moments = values.items() if isinstance(values, Mapping) else ()
        for key, value in moments:
            like = of.get(number)
            fits = like is not None and isinstance(value, Tensor) and value.shape == like.shape
            if key in _LIKE_PARAMETERS and isinstance(value, Tensor) and not fits:
                raise Misfit(f"the {key} of its {name} has shape {list(value.shape)}")


def batch(mine: Any, template: Any, path: str = "batch") -> Any:
    """The captured batch, in the containers and on the devices of the loader's own `template`.

    What could not be captured is taken from the loader's.

    Raises:
        Misfit: they are nested otherwise.
    """
    if mine is LEFT:
        return template
    if isinstance(mine, Tensor) and isinstance(template, Tensor):
        held = mine.clone(memory_format=torch.preserve_format).to(template.device)
        plain = type(template) in (Tensor, torch.nn.Parameter)
        return held if plain else held.as_subclass(type(template))
    if dataclasses.is_dataclass(template) and not isinstance(template, type):
        return _fields(mine, template, path)
    if isinstance(template, Mapping):
        return _mapping(mine, template, path)
    if isinstance(template, tuple | list):
        return _sequence(mine, template, path)
    if isinstance(mine, dict | list | tuple | Tensor) or isinstance(template, Tensor):
        raise _otherwise(mine, template, path)
    return mine


def _otherwise(mine: Any, template: Any, path: str) -> Misfit:
    return Misfit(
        f"its {path} is a {type(mine).__qualname__}, that of the script's loader a "
        f"{type(template).__qualname__}"
    )


def _fields(mine: Any, template: Any, path: str) -> Any:
    if not isinstance(mine, dict):
        raise _otherwise(mine, template, path)
    made = copy.copy(template)
    for name, value in mine.items():
        if not hasattr(template, str(name)):
            raise Misfit(f"its {path} has a field {name!r}, that of the script's loader has not")
        fitted = batch(value, getattr(template, str(name)), f"{path}.{name}")
        object.__setattr__(made, str(name), fitted)
    return made


def _mapping(mine: Any, template: Mapping[Any, Any], path: str) -> Any:
    if not isinstance(mine, dict):
        raise _otherwise(mine, template, path)
    if set(mine) != set(template):
        odd = sorted(map(repr, set(mine) ^ set(template)))
        raise Misfit(f"its {path} and that of the script's loader differ in {', '.join(odd[:5])}")
    fitted = {key: batch(one, template[key], f"{path}[{key!r}]") for key, one in mine.items()}
    if type(template) is dict:
        return fitted
    made: Any = copy.copy(template)
    if getattr(made, "data", None) is getattr(template, "data", made) and hasattr(made, "data"):
        made.data = dict(made.data)  # a UserDict: the copy shares what it wraps
    for key, value in fitted.items():
        made[key] = value
    return made


def _sequence(mine: Any, template: Any, path: str) -> Any:
    if not isinstance(mine, tuple | list):
        raise _otherwise(mine, template, path)
    named = hasattr(template, "_fields")
    if len(mine) != len(template) and (named or path == "batch"):
        raise Misfit(
            f"its {path} has {len(mine)} parts, that of the script's loader {len(template)}"
        )
    if len(mine) == len(template):
        parts = [
            batch(one, like, f"{path}[{at}]")
            for at, (one, like) in enumerate(zip(mine, template, strict=True))
        ]
    else:  # one entry a sample
        parts = [template[0] if one is LEFT and len(template) else one for one in mine]
    if named:
        return type(template)(*parts)
    return type(template)(parts) if type(template) in (tuple, list) else type(mine)(parts)
