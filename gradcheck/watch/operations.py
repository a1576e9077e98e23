"""Judges one operation that made a non-finite number: which of its arguments it cannot take."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gradcheck.wording import number

OVERFLOWING = 1e8
"""Arguments beyond this may overflow float32 in a product or a square."""


@dataclass(frozen=True)
class Verdict:
    """What is wrong with an operation: the key of an observation, and words for it."""

    key: str
    words: str
    rows: tuple[int, ...] = ()
    """Rows of the first dimension at which the argument is at fault."""
    values: Mapping[str, float] = field(default_factory=dict)


UNDEFINED = Verdict("operation_undefined", "made numbers that are not finite of finite ones")

Look = Callable[[Sequence[Any], Mapping[str, Any], list[Tensor]], Verdict | None]


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
    look = _LOOKS.get(base) or _LOOKS.get(base.removeprefix("_"))
    found = look(args, kwargs, results) if look is not None else None
    if found is None and any(not tensor.numel() for tensor in _all(args)):
        found = Verdict("no_target_counted", "averages over nothing: its arguments are empty")
    return found or _overflow(args, kwargs, results) or UNDEFINED


# ---- looks at arguments


def _rows(mask: Tensor) -> tuple[int, ...]:
    if mask.dim() == 0 or not len(mask):
        return ()
    return tuple(int(row) for row in mask.reshape(len(mask), -1).any(1).nonzero().flatten()[:1000])


def _share(mask: Tensor) -> str:
    bad = int(mask.sum())
    return f"{bad} of {mask.numel()}" if mask.numel() > 1 else "it"


def _tensor(value: Any) -> Tensor | None:
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, int | float):
        return torch.tensor(float(value))
    return None


def _logarithm(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = _tensor(args[0])
    if x is None:
        return None
    zero, below = x == 0, x < 0
    if bool(zero.any()):
        return Verdict(
            "log_of_zero_ran", f"takes the logarithm of 0 ({_share(zero)} values)", _rows(zero)
        )
    if bool(below.any()):
        low = number(float(x.min()))
        return Verdict(
            "argument_left_domain",
            f"takes the logarithm of a negative number (down to {low})",
            _rows(below),
        )
    return None


def _log1p(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = _tensor(args[0])
    return None if x is None else _logarithm((x + 1,), kwargs, results)


def _xlogy(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    return _logarithm((args[1],), kwargs, results)


def _division(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    over = _tensor(args[1]) if len(args) > 1 else None
    if over is None:
        return None
    zero = over == 0
    if not bool(zero.any()):
        return None
    whole = torch.broadcast_to(zero, results[0].shape) if results else zero
    above = _tensor(args[0])
    both = above is not None and bool((torch.broadcast_to(above, whole.shape)[whole] == 0).all())
    words = "divides 0 by 0" if both else "divides by 0"
    return Verdict("division_by_zero_ran", f"{words} ({_share(zero)} divisors)", _rows(whole))


def _reciprocal(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    return _division((1.0, args[0]), kwargs, results)


def _root(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = _tensor(args[0])
    if x is None:
        return None
    below = x < 0
    if bool(below.any()):
        low = number(float(x.min()))
        return Verdict(
            "argument_left_domain",
            f"takes the root of a negative number (down to {low})",
            _rows(below),
        )
    return _reciprocal((x,), kwargs, results) if bool((x == 0).any()) else None


def _power(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x, exponent = _tensor(args[0]), _tensor(args[1])
    if x is None or exponent is None:
        return None
    x, exponent = torch.broadcast_tensors(x, exponent)
    fraction = (x < 0) & (exponent != torch.round(exponent))
    if bool(fraction.any()):
        low = number(float(x.min()))
        return Verdict(
            "argument_left_domain",
            f"raises a negative number ({low}) to a fraction",
            _rows(fraction),
        )
    zero = (x == 0) & (exponent < 0)
    if bool(zero.any()):
        return Verdict("division_by_zero_ran", "raises 0 to a negative power", _rows(zero))
    return None


def _within(low: float, high: float) -> Look:
    def look(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
        x = _tensor(args[0])
        if x is None:
            return None
        outside = (x < low) | (x > high) if low == -1.0 and high == 1.0 else x < low
        edge = (x.abs() == 1) if low == -1.0 else x == low
        bad = outside | edge if not bool(outside.any()) else outside
        if not bool(bad.any()):
            return None
        worst = float(x[bad].abs().max())
        return Verdict(
            "argument_left_domain",
            f"gets an argument outside its domain ({number(worst)})",
            _rows(bad),
        )

    return look


def _exponential(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = _tensor(args[0])
    if x is None:
        return None
    high = float(x.max())
    bad = ~torch.isfinite(results[0]) if results and results[0].shape == x.shape else x == high
    kind = str(x.dtype).removeprefix("torch.")
    key = "half_overflowed" if x.dtype == torch.float16 and high < 80 else "exponential_overflowed"
    return Verdict(
        key,
        f"overflows: the exponential of {number(high)} in {kind}",
        _rows(bad),
        {"argument": high},
    )


def _softmax(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = _tensor(args[0])
    if x is None or not x.dim():
        return None
    dim = args[1] if len(args) > 1 and isinstance(args[1], int) else -1
    if isinstance(args[1] if len(args) > 1 else None, list | tuple) and args[1]:
        dim = args[1][0]
    empty = torch.isneginf(x).all(dim)
    if not bool(empty.any()):
        return None
    return Verdict(
        "softmax_row_masked",
        f"has nothing to distribute over: {_share(empty)} rows are -inf throughout",
        _rows(empty),
    )


def _attention(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    mask = next(
        (t for t in (*args[3:], *kwargs.values()) if isinstance(t, Tensor) and t.dim() >= 2), None
    )
    if mask is None or not (mask.is_floating_point() or mask.dtype == torch.bool):
        return None
    hidden = ~mask if mask.dtype == torch.bool else torch.isneginf(mask)
    empty = hidden.all(-1)
    if not bool(empty.any()):
        return None
    return Verdict("softmax_row_masked", "attends over keys that are all masked", _rows(empty))


def _spread(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = _tensor(args[0])
    if x is None or not results:
        return None
    per = x.numel() // max(1, results[0].numel())
    if per <= 1:
        return Verdict("statistic_of_one", "takes a standard deviation of a single value")
    return None


def _mean(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = _tensor(args[0])
    if x is None or x.numel():
        return None
    return Verdict("no_target_counted", "averages over nothing: its argument is empty")


def _negative_log_likelihood(
    args: Sequence[Any], kwargs: Any, results: list[Tensor]
) -> Verdict | None:
    target, ignored = args[1], args[4] if len(args) > 4 else -100
    if isinstance(target, Tensor) and bool((target == ignored).all()):
        words = f"averages over nothing: all {target.numel()} targets are ignored"
        return Verdict("no_target_counted", words, _rows(target == ignored))
    weight = args[2] if len(args) > 2 else None
    if isinstance(weight, Tensor) and isinstance(target, Tensor):
        counted = target[target != ignored]
        if counted.numel() and float(weight[counted].sum()) == 0:
            return Verdict(
                "no_target_counted", "averages over nothing: the weights of its classes are 0"
            )
    return None


def _ctc(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    lengths, targets = args[2], args[3]
    bad = ~torch.isfinite(results[0])
    rows = _rows(bad) if results[0].dim() else ()
    words = "no alignment exists: a target (with its repeats) is longer than its input"
    del lengths, targets
    return Verdict("ctc_did_not_fit", words, rows)


def _batch_norm(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = _tensor(args[0])
    if x is not None and x.dim() > 1 and x.numel() // x.shape[1] == 1:
        return Verdict("one_value_to_normalise", "normalises a batch of one value per channel")
    return None


def _normalise(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = _tensor(args[0])
    if x is None:
        return None
    spread = x.flatten(1).std(1, unbiased=False) if x.dim() > 1 else x
    flat = spread == 0
    if bool(flat.any()):
        return Verdict(
            "division_by_zero_ran", "normalises a constant row: its deviation is 0", _rows(flat)
        )
    return None


_LOOKS: dict[str, Look] = {
    "log": _logarithm,
    "log2": _logarithm,
    "log10": _logarithm,
    "log1p": _log1p,
    "xlogy": _xlogy,
    "entr": _logarithm,
    "logit": _within(-1.0, 1.0),
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
    "softmax": _softmax,
    "log_softmax": _softmax,
    "logsumexp": _softmax,
    "scaled_dot_product_flash_attention_for_cpu": _attention,
    "scaled_dot_product_attention_math": _attention,
    "std": _spread,
    "var": _spread,
    "std_mean": _spread,
    "var_mean": _spread,
    "mean": _mean,
    "median": _mean,
    "nll_loss_forward": _negative_log_likelihood,
    "nll_loss2d_forward": _negative_log_likelihood,
    "ctc_loss": _ctc,
    "native_batch_norm": _batch_norm,
    "native_layer_norm": _normalise,
    "native_group_norm": _normalise,
}


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
        rows = _rows(~torch.isfinite(results[0]))
    what = of or f"what {stem.removesuffix('Backward').lower()} computes"
    return Verdict("gradient_undefined", f"the derivative of {what} is not finite", rows)


_UNDEFINED_AT = frozenset(_NAMES) - {"ExpBackward", "MulBackward", "DivBackward"}
