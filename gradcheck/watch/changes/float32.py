"""Single precision throughout."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gradcheck.watch.changes.base import Change
from gradcheck.watch.changes.numbers import HALF
from gradcheck.watch.changes.patching import guard_calls, replace_calls


class Float32(Change):
    """Autocast is off, half-precision weights and states are widened, and nothing is narrowed."""

    action = "Run the failing part, or all of it, in float32"
    snippet = (
        "with torch.autocast(device_type, enabled=False):\n    loss = criterion(logits.float(), y)"
    )
    early = True

    def begin(self) -> None:
        """Widen what there is, and what is yet to come."""
        self._no_autocast()
        for top in self.probe.optimizers.names.tops:
            if any(p.dtype in HALF for p in top.parameters()):
                self.acted += 1
                for module in top.modules():
                    self.undo.callback(_narrow, module, _types(module))
                top.float()
        for optimizer, followed in self.probe.optimizers.items():
            self.undo.callback(setattr, followed, "half", followed.half)
            followed.half = False
            for state in optimizer.state.values():
                for name, value in list(state.items()):
                    if isinstance(value, Tensor) and value.dtype in HALF:
                        state[name] = value.float()
        guard_calls(self.undo, ("to", "type"), self._guard_dtype)
        replace_calls(self.undo, ("half", "bfloat16"), self._widen)
        guard_calls(
            self.undo,
            ("zeros", "ones", "randn", "rand", "tensor", "full", "empty"),
            self._guard_dtype,
        )

    def _no_autocast(self) -> None:
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                self.acted += 1
                torch.set_autocast_enabled(kind, False)
                self.undo.callback(torch.set_autocast_enabled, kind, True)
        real = torch.autocast.__enter__

        def enter(context: Any) -> Any:
            enabled = context._enabled
            self.acted += bool(enabled)
            context._enabled = False
            try:
                return real(context)
            finally:
                context._enabled = enabled  # for a context that is entered again and again

        torch.autocast.__enter__ = enter  # type: ignore[method-assign]
        self.undo.callback(setattr, torch.autocast, "__enter__", real)

    def _guard_dtype(self, *args: Any, **kwargs: Any) -> Any:
        self.acted += any(
            a in HALF for a in (*args, *kwargs.values()) if isinstance(a, torch.dtype)
        )
        wide = tuple(torch.float32 if _is_half(a) else a for a in args)
        return wide, {n: torch.float32 if _is_half(a) else a for n, a in kwargs.items()}

    def _widen(self, real: Any) -> Any:
        def widened(tensor: Any, *args: Any, **kwargs: Any) -> Any:
            self.acted += 1
            return tensor.float() if isinstance(tensor, Tensor) else real(tensor, *args, **kwargs)

        return widened


def _types(module: nn.Module) -> dict[str, torch.dtype]:
    held = {**module._parameters, **module._buffers}
    return {name: tensor.dtype for name, tensor in held.items() if tensor is not None}


def _narrow(module: nn.Module, types: Mapping[str, torch.dtype]) -> None:
    """Parameters and buffers as they were; the optimizer holds the same parameters."""
    for name, parameter in module._parameters.items():
        if parameter is not None and parameter.dtype is not types[name]:
            parameter.grad = None
            parameter.data = parameter.data.to(types[name])
    for name, buffer in module._buffers.items():
        if buffer is not None:
            module._buffers[name] = buffer.to(types[name])


def _is_half(value: Any) -> bool:
    return isinstance(value, torch.dtype) and value in HALF


CHANGE = Float32
