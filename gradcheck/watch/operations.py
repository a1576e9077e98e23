"""Judges one operation that made a non-finite number: which of its arguments it cannot take."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gradcheck.watch import domains, reductions
from gradcheck.watch.verdict import Look, Verdict, rows_of
from gradcheck.wording import number

LOOKS = {**domains.LOOKS, **reductions.LOOKS}

OVERFLOWING = 1e8
"""Arguments beyond this may overflow float32 in a product or a square."""


UNDEFINED = Verdict("operation_undefined", "made numbers that are not finite of finite ones")


def judge(
    name: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    results: list[Tensor],
    function: str | None = None,
) -> Verdict:
    """Why this operation's result is not finite, as far as its own arguments tell.

    `function` is the autograd node that runs it, in backward.
    """
    if function is not None:
        return _backward(name, args, results, function)
    base = name.removesuffix("_").removeprefix("_foreach_").removeprefix("special_")
    look = LOOKS.get(base) or LOOKS.get(base.removeprefix("_"))
    found = _ask(look, args, kwargs, results) if look is not None else None
    if found is None and any(not tensor.numel() for tensor in _all(args)):
        found = Verdict("no_target_counted", "averages over nothing: its arguments are empty")
    return found or _overflow(args, kwargs, results) or UNDEFINED


def _ask(
    look: Look, args: Sequence[Any], kwargs: Mapping[str, Any], results: list[Tensor]
) -> Verdict | None:
    """What a look says; nothing where the arguments are of a kind that it does not know."""
    try:
        return look(args, kwargs, results)
    except (RuntimeError, TypeError, IndexError):  # complex numbers, other signatures
        return None


# ---- overflow, and derivatives


def _overflow(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    """Finite arguments of an arithmetic operation whose result is beyond the type's range."""
    inputs = [t for t in _all(args) if t.numel()]
    if not inputs:
        return None
    only_nan = any(bool(torch.isnan(t).any()) and not bool(torch.isinf(t).any()) for t in results)
    wide = [t for t in inputs if t.dtype != torch.float16]
    if only_nan and all(float(t.detach().abs().max()) < 1e15 for t in wide):
        return None
    largest = max(float(t.detach().abs().max()) for t in inputs)
    dtype = results[0].dtype
    if dtype == torch.float16 and largest <= 1e30:
        words = f"leaves the range of float16 (65504): its arguments reach {number(largest)}"
        return Verdict("half_overflowed", words, (), {"largest": largest})
    if largest > OVERFLOWING:
        words = (
            f"overflows {str(dtype).removeprefix('torch.')}: its arguments reach {number(largest)}"
        )
        return Verdict("float_overflowed", words, (), {"largest": largest})
    return None


def _all(args: Sequence[Any]) -> list[Tensor]:
    found: list[Tensor] = []
    for value in args:
        if isinstance(value, Tensor):
            if value.is_floating_point():
                found.append(value)
        elif isinstance(value, list | tuple):
            found += _all(value)
    return found


_NAMES = {
    "SqrtBackward": "the square root at 0",
    "PowBackward": "a power at 0",
    "NormBackward": "a norm at 0",
    "LinalgVectorNormBackward": "a norm at 0",
    "AcosBackward": "arccos at ±1",
    "AsinBackward": "arcsin at ±1",
    "AtanhBackward": "artanh at ±1",
    "AcoshBackward": "arcosh at 1",
    "LogBackward": "a logarithm at 0",
    "Log2Backward": "a logarithm at 0",
    "Log10Backward": "a logarithm at 0",
    "Log1PBackward": "log(1 + x) at -1",
    "DivBackward": "a quotient at a divisor of 0",
    "ReciprocalBackward": "1/x at 0",
    "RsqrtBackward": "1/√x at 0",
    "StdBackward": "a standard deviation at 0",
    "VarBackward": "a variance of one value",
    "CdistBackward": "a distance at 0",
    "EuclideanDistBackward": "a distance at 0",
    "LinalgEighBackward": "eigenvectors of equal eigenvalues",
    "LinalgSvdBackward": "singular vectors of equal singular values",
    "LinalgSlogdetBackward": "a determinant at 0",
    "LinalgDetBackward": "a determinant at 0",
    "XlogyBackward": "x·log y at 0",
    "EntrBackward": "the entropy at 0",
    "ExpBackward": "an exponential that overflowed",
    "MulBackward": "a product with an infinite factor",
    "AtanBackward2": "the angle of a zero vector",
    "Atan2Backward": "the angle of a zero vector",
}


def _backward(name: str, args: Sequence[Any], results: list[Tensor], function: str) -> Verdict:
    stem = function.rstrip("0123456789")
    overflow = _overflow(args, {}, results)
    of = _NAMES.get(stem)
    if overflow is not None and of is None:
        if overflow.key == "half_overflowed":
            return Verdict("half_gradient_overflowed", overflow.words, (), overflow.values)
        return overflow
    if overflow is not None and overflow.key == "half_overflowed" and stem not in _UNDEFINED_AT:
        return Verdict("half_gradient_overflowed", overflow.words, (), overflow.values)
    rows: tuple[int, ...] = ()
    if results and results[0].dim():
        rows = rows_of(~torch.isfinite(results[0]))
    near = _near_zero(name, args, results, stem)
    if near is not None:
        return near
    what = of or f"what {stem.removesuffix('Backward').lower()} computes"
    return Verdict("gradient_undefined", f"the derivative of {what} is not finite", rows)


def _near_zero(name: str, args: Sequence[Any], results: list[Tensor], stem: str) -> Verdict | None:
    """Was it something so small, but not 0, that its own value is finite and its slope is not?

    What would be 0 had a value that is infinite: that the loss is finite all the same means that
    the value was masked out.
    """
    key, what = _STEEP.get(stem, ("", ""))
    if not key or name.removesuffix("_") != "div" or len(args) < 2 or not results:
        return None
    over = args[1]
    if not isinstance(over, Tensor) or over.layout != torch.strided or not over.numel():
        return None
    bad = ~torch.isfinite(results[0])
    at_fault = torch.broadcast_to(over, bad.shape)[bad].abs()
    if not at_fault.numel() or not 0 < float(at_fault.min()) <= float(at_fault.max()) < NEAR:
        return None
    words = f"the derivative of {what} of almost 0 ({number(float(at_fault.min()))}) overflows"
    return Verdict(key, words, rows_of(bad) if bad.dim() else ())


NEAR = 1e-30
_STEEP = {
    "LogBackward": ("log_of_zero_ran", "a logarithm"),
    "Log2Backward": ("log_of_zero_ran", "a logarithm"),
    "Log10Backward": ("log_of_zero_ran", "a logarithm"),
    "DivBackward": ("division_by_zero_ran", "a quotient with a divisor"),
}
_UNDEFINED_AT = frozenset(_NAMES) - {"ExpBackward", "MulBackward", "DivBackward"}
