"""Tells a trace which module is running, through global hooks; only ever in a replay."""

from __future__ import annotations

import weakref
from typing import Any

from torch import nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)

from gradcheck.watch.trace import Trace


class ModuleStack:
    """Global hooks that tell a trace which module is running; only ever in a replay."""

    def __init__(self, trace: Trace, names: dict[int, str]) -> None:
        self._trace = weakref.ref(trace)
        self._names = names
        self._before = register_module_forward_pre_hook(self._enter)
        self._after = register_module_forward_hook(self._leave, always_call=True)

    def _enter(self, module: nn.Module, inputs: Any) -> None:
        trace = self._trace()
        if trace is not None:
            name = self._names.get(id(module), type(module).__name__)
            trace.stack.append((name, module))

    def _leave(self, module: nn.Module, inputs: Any, output: Any) -> None:
        trace = self._trace()
        if trace is not None and trace.stack:
            trace.stack.pop()

    def remove(self) -> None:
        """Take the hooks out."""
        self._before.remove()
        self._after.remove()
