"""Elementwise operations: is an argument outside of where they are defined?"""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gradcheck.watch.verdict import Look, Verdict, rows_of, share_of, tensor_of
from gradcheck.wording import number

AT_EDGE = "edge"
"""Marks an argument that the operation is still defined for, as a logarithm is for 0."""
ALMOST_ZERO = 1e-37
"""What float32 can hardly tell from 0: the quotient of 10 by it is infinite."""


def _logarithm(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = tensor_of(args[0])
    if x is None:
        return None
    zero, below = x == 0, x < 0
    if bool(zero.any()):
        return Verdict(
            "log_of_zero_ran", f"takes the logarithm of 0 ({share_of(zero)} values)", rows_of(zero)
        )
    if bool(below.any()):
        low = number(float(x.min()))
        return Verdict(
            "argument_left_domain",
            f"takes the logarithm of a negative number (down to {low})",
            rows_of(below),
        )
    return None


def _log1p(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = tensor_of(args[0])
    return None if x is None else _logarithm((x + 1,), kwargs, results)


def _xlogy(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    return _logarithm((args[1],), kwargs, results)


def _division(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    over = tensor_of(args[1]) if len(args) > 1 else None
    if over is None:
        return None
    zero, by = over == 0, "0"
    if not bool(zero.any()):
        zero, by = over.abs() < ALMOST_ZERO, "almost 0"
    if not bool(zero.any()):
        return None
    whole = torch.broadcast_to(zero, results[0].shape) if results else zero
    above = tensor_of(args[0])
    both = above is not None and bool((torch.broadcast_to(above, whole.shape)[whole] == 0).all())
    words = "divides 0 by 0" if both else f"divides by {by}"
    return Verdict("division_by_zero_ran", f"{words} ({share_of(zero)} divisors)", rows_of(whole))


def _reciprocal(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    return _division((1.0, args[0]), kwargs, results)


def _root(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = tensor_of(args[0])
    if x is None:
        return None
    below = x < 0
    if bool(below.any()):
        low = number(float(x.min()))
        return Verdict(
            "argument_left_domain",
            f"takes the root of a negative number (down to {low})",
            rows_of(below),
        )
    return _reciprocal((x,), kwargs, results) if bool((x == 0).any()) else None


def _power(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x, exponent = tensor_of(args[0]), tensor_of(args[1])
    if x is None or exponent is None:
        return None
    x, exponent = torch.broadcast_tensors(x, exponent)
    fraction = (x < 0) & (exponent != torch.round(exponent))
    if bool(fraction.any()):
        low = number(float(x.min()))
        return Verdict(
            "argument_left_domain",
            f"raises a negative number ({low}) to a fraction",
            rows_of(fraction),
        )
    zero = (x == 0) & (exponent < 0)
    if bool(zero.any()):
        return Verdict("division_by_zero_ran", "raises 0 to a negative power", rows_of(zero))
    return None


def _within(low: float, high: float) -> Look:
    def look(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
        x = tensor_of(args[0])
        if x is None:
            return None
        outside, edge = (x < low) | (x > high), (x == low) | (x == high)
        if results and results[0].shape == x.shape:
            failed = ~torch.isfinite(results[0])
            outside, edge = outside & failed, edge & failed
        beyond = bool(outside.any())
        bad = outside if beyond else edge
        if not bool(bad.any()):
            return None
        worst = number(float(x[bad][x[bad].abs().argmax()]))
        if beyond:
            words, values = f"gets an argument outside its domain ({worst})", {}
        else:
            words = f"gets an argument at the edge of its domain ({worst}), where it is infinite"
            values = {AT_EDGE: 1.0}
        return Verdict("argument_left_domain", words, rows_of(bad), values)

    return look


def _exponential(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = tensor_of(args[0])
    if x is None:
        return None
    high = float(x.max())
    bad = ~torch.isfinite(results[0]) if results and results[0].shape == x.shape else x == high
    kind = str(x.dtype).removeprefix("torch.")
    key = "half_overflowed" if x.dtype == torch.float16 and high < 80 else "exponential_overflowed"
    return Verdict(
        key,
        f"overflows: the exponential of {number(high)} in {kind}",
        rows_of(bad),
        {"argument": high},
    )


LOOKS: dict[str, Look] = {
    "log": _logarithm,
    "log2": _logarithm,
    "log10": _logarithm,
    "log1p": _log1p,
    "xlogy": _xlogy,
    "entr": _logarithm,
    "logit": _within(0.0, 1.0),
    "div": _division,
    "true_divide": _division,
    "remainder": _division,
    "fmod": _division,
    "reciprocal": _reciprocal,
    "rsqrt": _root,
    "sqrt": _root,
    "pow": _power,
    "float_power": _power,
    "acos": _within(-1.0, 1.0),
    "asin": _within(-1.0, 1.0),
    "atanh": _within(-1.0, 1.0),
    "erfinv": _within(-1.0, 1.0),
    "acosh": _within(1.0, float("inf")),
    "lgamma": _within(0.0, float("inf")),
    "digamma": _within(0.0, float("inf")),
    "exp": _exponential,
    "exp2": _exponential,
    "expm1": _exponential,
    "cosh": _exponential,
    "sinh": _exponential,
}
