"""Softmax, statistics and losses: is there nothing to distribute, average or align?"""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gradcheck.watch.verdict import Look, Verdict, rows_of, share_of, tensor_of


def _softmax(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = tensor_of(args[0])
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
        f"has nothing to distribute over: {share_of(empty)} rows are -inf throughout",
        rows_of(empty),
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
    return Verdict("softmax_row_masked", "attends over keys that are all masked", rows_of(empty))


def _spread(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = tensor_of(args[0])
    if x is None or not results:
        return None
    per = x.numel() // max(1, results[0].numel())
    if per <= 1:
        rows = (0,) if x.dim() and len(x) == 1 else ()
        return Verdict("statistic_of_one", "takes a standard deviation of a single value", rows)
    return None


def _mean(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = tensor_of(args[0])
    if x is None or x.numel():
        return None
    return Verdict("no_target_counted", "averages over nothing: its argument is empty")


def _negative_log_likelihood(
    args: Sequence[Any], kwargs: Any, results: list[Tensor]
) -> Verdict | None:
    target, ignored = args[1], args[4] if len(args) > 4 else -100
    if isinstance(target, Tensor) and bool((target == ignored).all()):
        words = f"averages over nothing: all {target.numel()} targets are ignored"
        return Verdict("no_target_counted", words, rows_of(target == ignored))
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
    rows = rows_of(bad) if results[0].dim() else ()
    words = "no alignment exists: a target (with its repeats) is longer than its input"
    del lengths, targets
    return Verdict("ctc_did_not_fit", words, rows)


def _batch_norm(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = tensor_of(args[0])
    if x is not None and x.dim() > 1 and x.numel() // x.shape[1] == 1:
        return Verdict("one_value_to_normalise", "normalises a batch of one value per channel")
    return None


def _normalise(args: Sequence[Any], kwargs: Any, results: list[Tensor]) -> Verdict | None:
    x = tensor_of(args[0])
    if x is None:
        return None
    spread = x.flatten(1).std(1, unbiased=False) if x.dim() > 1 else x
    flat = spread == 0
    if bool(flat.any()):
        return Verdict(
            "division_by_zero_ran", "normalises a constant row: its deviation is 0", rows_of(flat)
        )
    return None


LOOKS: dict[str, Look] = {
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
