"""Keeps copies of running statistics, so that a forward pass can be taken back."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from gradcheck.watch.names import Registry

MOST_EACH_STEP, SELDOM = 80, 16
"""Buffers that are looked at in every step, and steps between two looks where there are more."""
MOST_NUMBERS = 2**16
"""Numbers of a buffer outside of normalisations that are still worth a copy in every step."""

JUDGED = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})
"""What norms are defined for."""

Place = tuple[dict[str, Tensor | None], str, str]
"""Where a module holds a buffer, under which name, and what to call it."""


class BufferCopies:
    """Copies of what modules keep beside weights, from before the last step, in one call.

    Those of normalisations, and small ones of other modules: observers, codebooks, normalisers. A
    module may bind its buffer anew in every step, so they are looked up each time.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._seen = -1
        self._steps = 0
        self._places: list[Place] = []
        self._copies: list[Tensor] = []
        self._unjudged: set[tuple[int, str]] = set()
        """Those that never were finite, as masks of -inf, and those that became others since."""

    def keep(self) -> None:
        """Copy what the buffers hold now."""
        if self._registry.version != self._seen:
            self._find()
        if not self._places:
            return
        with torch.no_grad():  # no decorator: it costs more than this in most models
            live = self._live()
            alike = list(map(_alike, self._copies, live))
            if all(alike):
                torch._foreach_copy_(self._copies, live)
                return
            # made when first used, or for longer inputs: a mask may be among them
            changed = (p for p, same in zip(self._places, alike, strict=True) if not same)
            self._unjudged |= set(map(_key, changed))
            self._copies = [buffer.detach().clone() for buffer in live]

    def broken(self) -> str | None:
        """The name of a buffer that turned non-finite; None where none did, or none is due."""
        self._steps += 1
        if not self._places:
            return None
        if len(self._places) > MOST_EACH_STEP and self._steps % SELDOM:
            return None
        named = list(self._finite_once())
        if not named:
            return None
        with torch.no_grad():
            norms = torch.stack(torch._foreach_norm([buffer for _, buffer in named]))
            finite = torch.isfinite(norms)
            return None if bool(finite.all()) else named[int((~finite).nonzero()[0])][0]

    @torch.no_grad()
    def restore(self) -> None:
        """Put back what was kept, bit for bit."""
        for live, copy in zip(self._live(), self._copies, strict=True):
            if _alike(live, copy):
                live.copy_(copy)

    def _live(self) -> list[Tensor]:
        # a scripted module's dictionary has no get
        found = (h[name] if name in h else None for h, name, _ in self._places)  # noqa: SIM401
        return [torch.empty(0) if buffer is None else buffer for buffer in found]

    def _finite_once(self) -> Iterator[tuple[str, Tensor]]:
        for place, buffer in zip(self._places, self._live(), strict=True):
            if buffer.dtype in JUDGED and _key(place) not in self._unjudged:
                yield place[2], buffer

    def _find(self) -> None:
        self._seen = self._registry.version
        known = set(map(_key, self._places))
        self._places = [
            (module._buffers, name, f"{type(module).__name__}.{name}")
            for module in self._registry.modules()
            for name, buffer in module._buffers.items()
            if buffer is not None and _is_kept(module, buffer)
        ]
        self._copies = [buffer.detach().clone() for buffer in self._live()]
        fresh = [p for p in zip(self._places, self._copies, strict=True) if _key(p[0]) not in known]
        self._unjudged |= {
            _key(place)
            for place, copy in fresh
            if copy.dtype in JUDGED and not bool(torch.isfinite(copy).all())
        }


def _key(place: Place) -> tuple[int, str]:
    return id(place[0]), place[1]


def _is_kept(module: nn.Module, buffer: Tensor) -> bool:
    plain = buffer.layout is torch.strided and not buffer.is_quantized
    return isinstance(module, _NormBase) or (plain and buffer.numel() <= MOST_NUMBERS)


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and one.device == other.device
