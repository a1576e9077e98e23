"""Looks for the first non-finite tensor in what autograd keeps for backward: no replay needed."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from gradcheck.model import Observation, Where
from gradcheck.watch import frames, sources, tensors
from gradcheck.watch.dispatch import storage_of
from gradcheck.watch.followed import Batch
from gradcheck.watch.operations import judge

_RESULTS = ("result", "output", "out", "grad_input", "total_weight", "indices")
_VIEWS = ("TBackward", "Transpose", "Permute", "View", "UnsafeView", "Expand", "ToCopy")
_MOST = 200_000
_UNNAMED = "operation_undefined"


def first_nonfinite(
    loss: Tensor, names: dict[int, str], batch: Batch | None, step: int
) -> Observation | None:
    """What is to blame for a non-finite loss, as far as its graph still shows; None if it does not.

    The source line is that of backward: the graph knows operations, not lines.
    """
    for node in _in_order(loss.grad_fn):
        arguments = dict(_saved(node))
        given = {name: t for name, t in arguments.items() if name not in _RESULTS}
        bad = [(name, t) for name, t in given.items() if not tensors.all_finite([t])]
        if bad:
            return _of_argument(node, *bad[0], names, batch, step)
        result = next((t for name, t in arguments.items() if name in _RESULTS), None)
        if result is not None and not tensors.all_finite([result]):
            return _of_operation(node, given, result, step)
    return None


def _in_order(root: Any) -> list[Any]:
    """The nodes of a graph in the order in which their operations ran."""
    seen: dict[int, Any] = {}
    stack = [root]
    while stack and len(seen) < _MOST:
        node = stack.pop()
        if node is None or id(node) in seen:
            continue
        seen[id(node)] = node
        stack += [inner for inner, _ in node.next_functions]
    return sorted(seen.values(), key=lambda node: int(node._sequence_nr()))


def _saved(node: Any) -> Iterator[tuple[str, Tensor]]:
    for attribute in dir(node):
        if attribute.startswith("_saved_"):
            try:
                value = getattr(node, attribute)
            except RuntimeError:  # freed, or changed in place
                continue
            if isinstance(value, Tensor) and value.is_floating_point():
                yield (
                    attribute.removeprefix("_saved_"),
                    value.detach().requires_grad_(value.requires_grad),
                )


def _of_argument(
    node: Any,
    name: str,
    tensor: Tensor,
    names: dict[int, str],
    batch: Batch | None,
    step: int,
) -> Observation | None:
    op = _op(node)
    parameter = names.get(storage_of(tensor))
    if parameter is not None:
        where = Where("state", parameter, op)
        return Observation(
            "weight_nonfinite", f"the parameter {parameter} is not finite", step, where=where
        )
    if tensor.requires_grad:  # made by an operation that keeps nothing for backward
        return None
    phase = "input" if _takes_parameter(node) or name == "input" else "target"
    samples = _samples(tensor, batch)
    line = frames.here()
    told = f" (dataset indices {', '.join(map(str, samples[:16]))})" if samples else ""
    return Observation(
        f"{phase}_nonfinite",
        f"the {phase}s that {op} got hold numbers that are not finite{told}",
        step,
        where=Where(
            phase,
            op=op,
            file=line.file if line else None,
            line=line.line if line else None,
            samples=samples or None,
        ),
    )


def _takes_parameter(node: Any) -> bool:
    """Whether an argument is a parameter, or a view of one."""
    near = [inner for inner, _ in node.next_functions if inner is not None]
    views = [one for one in near if one.name().startswith(_VIEWS)]
    near += [inner for one in views for inner, _ in one.next_functions if inner is not None]
    return any("AccumulateGrad" in inner.name() for inner in near)


def _of_operation(
    node: Any, given: dict[str, Tensor], result: Tensor, step: int
) -> Observation | None:
    op = _op(node)
    name = op.removeprefix("aten::")
    ordered = [given[key] for key in ("self", "input", "mat1", "other", "exponent") if key in given]
    if not ordered:
        return None
    with torch.no_grad():
        try:
            verdict = judge(name, ordered, {}, [result])
        except (IndexError, RuntimeError):
            return None
    if verdict.key == _UNNAMED:
        return None
    line = frames.here()
    return Observation(
        verdict.key,
        f"{op} {verdict.words}",
        step,
        where=Where(
            "forward", op=op, file=line.file if line else None, line=line.line if line else None
        ),
    )


def _op(node: Any) -> str:
    stem: str = node.name().rpartition("::")[2].rstrip("0123456789").removesuffix("Backward")
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in stem)
    return f"aten::{snake.lstrip('_')}"


def _samples(tensor: Tensor, batch: Batch | None) -> tuple[int, ...]:
    rows = tensors.nonfinite_rows(tensor)
    if batch is not None and batch.indices is not None and len(batch.indices) == len(tensor):
        return tuple(sorted(batch.indices[row] for row in rows))
    return sources.samples(tensor, rows)
