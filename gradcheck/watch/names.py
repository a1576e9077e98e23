"""Names the parameters, buffers and modules of a script by the model that holds them."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from collections.abc import Iterable

from torch import Tensor, nn

from gradcheck.watch.dispatch import storage_of


class Registry:
    """Weak references to every module that is made, so that none has to be searched for."""

    def __init__(self) -> None:
        self._made: dict[int, weakref.ref[nn.Module]] = {}
        self._new: list[weakref.ref[nn.Module]] = []
        self._version = 0

    def add(self, module: nn.Module) -> None:
        """A module was made."""
        self._new.append(weakref.ref(module))

    def add_living(self) -> None:
        """Modules that were made before watching began; slow, for notebooks."""
        for found in gc.get_objects():
            # the type, not isinstance: a proxy's __class__ may run the script's code
            if issubclass(type(found), nn.Module):
                self.add(found)

    @property
    def version(self) -> int:
        """Goes up when a module was made that holds something; a new loss function does not."""
        if self._new:
            fresh, self._new = self._new, []
            for reference in fresh:
                module = reference()
                if module is not None:
                    self._made[id(module)] = reference  # a module may define its own equality
                    self._version += bool(module._parameters or module._buffers)
        return self._version

    def modules(self) -> list[nn.Module]:
        """Those that are alive, in the order in which they were made."""
        assert self.version >= 0
        return [module for found in self._made.values() if (module := found()) is not None]


def roots(found: Iterable[nn.Module]) -> list[nn.Module]:
    """The modules that are no part of another."""
    found = list(found)
    inner = {id(child) for module in found for child in module.children()}
    return [module for module in found if id(module) not in inner]


class Names:
    """Qualified names of what the models hold; the same tensor keeps the name of its largest.

    A name that several models use is numbered from the second one on: `0.weight#2`.
    """

    def __init__(self, registry: Registry) -> None:
        tops = roots(registry.modules())
        tops.sort(key=lambda top: -sum(1 for _ in top.parameters()))
        self.module: dict[int, str] = {}
        self.tops = tops
        self.version = registry.version
        parameters = _numbered(pair for top in tops for pair in top.named_parameters())
        buffers = _numbered(pair for top in tops for pair in top.named_buffers())
        self.parameter = {id(parameter): name for name, parameter in parameters.items()}
        self.buffer = {id(buffer): name for name, buffer in buffers.items()}
        for top in tops:
            for name, module in top.named_modules():
                self.module.setdefault(id(module), name or type(module).__name__)

    def of(self, parameter: Tensor, place: int) -> str:
        """The name of a parameter, or its place in the optimizer where no module holds it."""
        return self.parameter.get(id(parameter), f"parameter_{place}")

    def by_storage(self) -> dict[int, str]:
        """Names of all parameters, by what identifies their memory."""
        return {storage_of(p): name for name, p in self.parameters().items()}

    def parameters(self) -> dict[str, Tensor]:
        """All parameters of all models, by name."""
        return _numbered(pair for top in self.tops for pair in top.named_parameters())

    def buffers(self) -> dict[str, Tensor]:
        """All floating-point buffers of all models, by name."""
        held = _numbered(pair for top in self.tops for pair in top.named_buffers())
        return {name: buffer for name, buffer in held.items() if buffer.is_floating_point()}


def _numbered(pairs: Iterable[tuple[str, Tensor]]) -> dict[str, Tensor]:
    """Each tensor once, under a name of its own."""
    found: dict[str, Tensor] = {}
    used: Counter[str] = Counter()
    seen: set[int] = set()
    for name, tensor in pairs:
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        used[name] += 1
        found[name if used[name] == 1 else f"{name}#{used[name]}"] = tensor
    return found
