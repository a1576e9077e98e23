"""Names the parameters, buffers and modules of a script by the model that holds them."""

from __future__ import annotations

import gc
from collections.abc import Iterable

from torch import Tensor, nn


def modules() -> list[nn.Module]:
    """Every module that is alive, in the order in which they were made."""
    # the type, not isinstance: a proxy's __class__ may run the script's code
    return [found for found in gc.get_objects() if issubclass(type(found), nn.Module)]


def roots(found: Iterable[nn.Module]) -> list[nn.Module]:
    """The modules that are no part of another."""
    found = list(found)
    inner = {id(child) for module in found for child in module.children()}
    return [module for module in found if id(module) not in inner]


class Names:
    """Qualified names of what the models hold; the same tensor keeps the name of its largest."""

    def __init__(self) -> None:
        tops = roots(modules())
        tops.sort(key=lambda top: -sum(1 for _ in top.parameters()))
        self.parameter: dict[int, str] = {}
        self.buffer: dict[int, str] = {}
        self.module: dict[int, str] = {}
        self.tops = tops
        for top in tops:
            for name, parameter in top.named_parameters():
                self.parameter.setdefault(id(parameter), name)
            for name, buffer in top.named_buffers():
                self.buffer.setdefault(id(buffer), name)
            for name, module in top.named_modules():
                self.module.setdefault(id(module), name or type(module).__name__)

    def of(self, parameter: Tensor, place: int) -> str:
        """The name of a parameter, or its place in the optimizer where no module holds it."""
        return self.parameter.get(id(parameter), f"parameter_{place}")

    def parameters(self) -> dict[str, Tensor]:
        """All parameters of all models, by name."""
        return {name: p for top in self.tops for name, p in top.named_parameters()}

    def buffers(self) -> dict[str, Tensor]:
        """All floating-point buffers of all models, by name."""
        return {
            name: b for top in self.tops for name, b in top.named_buffers() if b.is_floating_point()
        }
