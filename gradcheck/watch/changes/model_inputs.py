"""Changes what goes into the models of a script, whoever calls them."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from gradcheck.watch.changes.base import Change


def before_models(change: Change, mend: Callable[[Any], Any]) -> None:
    """Pass every argument of every outermost model through `mend`, until the change is undone."""

    def before(module: nn.Module, args: Any, kwargs: Mapping[str, Any]) -> Any:
        return tuple(map(mend, args)), {name: mend(value) for name, value in kwargs.items()}

    for top in change.probe.optimizers.names.tops:
        handle = top.register_forward_pre_hook(before, with_kwargs=True)
        change.undo.callback(handle.remove)
