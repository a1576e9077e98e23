"""Finds the tensors in what a script passes around, and measures them."""

# mypy: allow-untyped-calls
from __future__ import annotations

import cmath
import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

TINY, WORTH_A_LOOK = 1e-18, 2**16
"""A norm whose square float32 can hardly hold, and the numbers that are worth another look."""
_DEEPEST = 5
_MOST = 64
_WORDS_OF_TARGETS = ("target", "label", "y", "truth", "mask", "answer")


@dataclass(frozen=True)
class Extent:
    """Range and damage of one tensor."""

    low: float
    high: float
    nonfinite: int
    dtype: str
    shape: tuple[int, ...]

    @property
    def largest(self) -> float:
        """The largest absolute value, of the finite ones if any is."""
        return max(abs(self.low), abs(self.high))


def named(value: object, name: str = "", depth: int = 0) -> Iterator[tuple[str, Tensor]]:
    """The tensors within nested containers, with the keys or places that lead to them."""
    if isinstance(value, Tensor):
        yield name, value
    elif depth < _DEEPEST:
        for key, inner in list(_parts(value))[:_MOST]:
            yield from named(inner, f"{name}.{key}" if name else key, depth + 1)


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """What a container holds, by key or place."""
    if isinstance(value, str | bytes | type):
        return
    if isinstance(value, Mapping):
        yield from ((str(key), inner) for key, inner in value.items())
    elif isinstance(value, Sequence):
        yield from ((str(at), inner) for at, inner in enumerate(value))
    elif dataclasses.is_dataclass(value):
        yield from ((f.name, getattr(value, f.name, None)) for f in dataclasses.fields(value))


def is_target(name: str, place: int, of: int) -> bool:
    """Whether a tensor of a batch is its target: by its name, else the last of several."""
    words = name.lower().replace("_", " ").replace(".", " ").split()
    if any(word.isalpha() for word in words):
        return any(word.rstrip("s") in _WORDS_OF_TARGETS for word in words) and "attention" not in (
            words
        )
    return of > 1 and place == of - 1


def extent(tensor: Tensor) -> Extent | None:
    """Its range; None where it is empty or has no order."""
    if not tensor.numel() or tensor.is_complex() or tensor.is_sparse or tensor.dtype == torch.bool:
        return None
    values = tensor.detach()
    low, high = (float(bound) for bound in torch.aminmax(values))
    bad = 0
    if not (math.isfinite(low) and math.isfinite(high)):
        finite = torch.isfinite(values)
        bad = int((~finite).sum())
        if bad < values.numel():
            low, high = (float(bound) for bound in torch.aminmax(values[finite]))
    kind = str(tensor.dtype).removeprefix("torch.")
    return Extent(low, high, bad, kind, tuple(tensor.shape))


def nonfinite_rows(tensor: Tensor) -> list[int]:
    """The places along the first dimension that hold a number that is not finite."""
    if tensor.dim() == 0:
        return [] if bool(torch.isfinite(tensor)) else [0]
    bad = ~torch.isfinite(tensor.detach()).reshape(len(tensor), -1).all(1)
    return [int(row) for row in bad.nonzero().flatten()]


HALF = (torch.float16, torch.bfloat16)


def total_norm(tensors: list[Tensor], *, half: bool = False) -> tuple[float, list[float]]:
    """The global L2 norm of gradients or weights, and that of each tensor.

    `half` says that some are half precision, whose own sums of squares would overflow.
    """
    if not tensors:
        return 0.0, []
    try:
        norms = torch._foreach_norm(tensors, 2, torch.float32) if half else _foreach(tensors)
        here = norms[0].device.type == "cpu"
        each = [norm.item() for norm in norms] if here else torch.stack(norms).tolist()
        if here and min(each) < TINY:
            each = _looked_at_again(tensors, each)
    # on several devices; sparse; with a dtype in a torch that is too old to take one
    except (RuntimeError, NotImplementedError, TypeError):
        each = [_norm(tensor) for tensor in tensors]
    total = math.hypot(*each)
    if not math.isfinite(total) and all_finite(tensors):  # only the sum of squares overflowed
        each = [_norm(tensor) for tensor in tensors]
        total = math.hypot(*each)
    return total, each


def _looked_at_again(tensors: list[Tensor], each: list[float]) -> list[float]:
    """The norms, also of small tensors whose squares were lost; large ones stay as they are.

    Those that are all 0 are told by one call for all of them.
    """
    found = list(each)
    places = [
        at for at, t in enumerate(tensors) if each[at] < TINY and 0 < t.numel() <= WORTH_A_LOOK
    ]
    peaks = torch._foreach_norm([tensors[at] for at in places], math.inf) if places else ()
    for at, peak in zip(places, peaks, strict=True):
        if peak.item() > 0:
            found[at] = _norm(tensors[at])
    return found


def _foreach(tensors: list[Tensor]) -> tuple[Tensor, ...]:
    return torch._foreach_norm(tensors)


def _norm(tensor: Tensor) -> float:
    if tensor.is_sparse:
        tensor = tensor.coalesce().values()
    wide = tensor.detach().to(torch.complex128 if tensor.is_complex() else torch.float64)
    largest = float(wide.abs().max()) if wide.numel() else 0.0
    if not 0.0 < largest < math.inf:
        return largest
    return largest * float(torch.linalg.vector_norm(wide / largest))


def is_finite(tensor: Tensor) -> bool:
    """Whether a loss is finite, which is one number nearly always, and then needs no operation."""
    if tensor.numel() == 1:
        return cmath.isfinite(tensor.item())
    return all_finite([tensor.detach()])


def all_finite(tensors: Sequence[Tensor]) -> bool:
    """Whether every number in every tensor is finite."""
    return all(
        bool(torch.isfinite(t.coalesce().values() if t.is_sparse else t).all())
        for t in tensors
        if t.is_floating_point() or t.is_complex()
    )
