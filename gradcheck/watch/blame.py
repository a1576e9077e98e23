"""Picks, of all that was not finite in a step, the first cause, and says it in a sentence."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from gradcheck.model import Observation, Where
from gradcheck.watch.dispatch import storage_of
from gradcheck.watch.domains import AT_EDGE
from gradcheck.watch.frames import Line
from gradcheck.watch.nodes import Node, Outside
from gradcheck.watch.trace import WRITERS, Trace

_STATE = {
    "parameter": "weight_nonfinite",
    "buffer": "buffer_nonfinite",
    "moment": "moment_nonfinite",
}
AS_IT_IS = frozenset({"ratio_overflowed"})
"""What is the cause whether its value was masked out or not."""
_MOST_SAMPLES, _MOST_COUNTED = 16, 256


@dataclass(frozen=True)
class Root:
    """Where the trail ends, and the operations between it and the failure, the first one first."""

    source: Node | Outside
    path: tuple[Node, ...]


def root_of(trace: Trace, failed: Sequence[Tensor]) -> Root | None:
    """The earliest source of what made these tensors non-finite.

    Where none is left to look at, since the script took its gradients away, that of backward.
    """
    if failed:
        candidates = [root for tensor in failed for root in _sources(trace.origin(tensor))]
    else:
        in_backward = [node for node in trace.nodes if node.phase == "backward"]
        candidates = [root for node in in_backward for root in _sources(node)]
    return min(candidates, key=_time, default=None)


def root_of_buffers(trace: Trace) -> Root | None:
    """The earliest source of what was written into buffers; None where nothing was that is bad."""
    found = (root for node in trace.nodes if node.fills_buffer for root in _sources(node))
    made = (r for r in found if not (isinstance(r.source, Outside) and r.source.kind == "buffer"))
    return min(made, key=_time, default=None)


def _time(root: Root) -> int:
    return root.source.place if isinstance(root.source, Node) else _consumer_place(root)


def _consumer_place(root: Root) -> int:
    return root.path[0].place if root.path else 0


def _sources(found: Node | Outside) -> Iterator[Root]:
    """All ends of the trails that lead to a tensor."""
    stack: list[tuple[Node | Outside, tuple[Node, ...]]] = [(found, ())]
    seen: set[int] = set()
    while stack:
        current, path = stack.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, Outside) or _is_source(current):
            yield Root(current, path)
            continue
        stack += [(inner, (current, *path)) for inner in current.bad_inputs]


def _is_source(node: Node) -> bool:
    """A mask of -inf is no fault of its own: what finds nothing left behind it is to blame."""
    if not node.bad_inputs:
        return True
    return node.verdict.key == "softmax_row_masked" and all(map(_is_mask, node.bad_inputs))


def _is_mask(found: Node | Outside) -> bool:
    """Whether an infinity was put down on purpose, and only carried on since."""
    if isinstance(found, Outside):
        return found.kind in ("data", "buffer") and not bool(torch.isnan(found.tensor).any())
    if found.made_nan:
        return False
    return all(map(_is_mask, found.bad_inputs)) if found.bad_inputs else _writes(found)


def observe(trace: Trace, root: Root, step: int) -> Observation:
    """The observation that a root amounts to."""
    source = root.source
    put = next((n for n in (source, *root.path) if isinstance(n, Node) and _overwrites(n)), None)
    if put is not None:
        return _of_state(root, *put.written, step)
    if isinstance(source, Node) and not _writes(source) and not _prepares(trace, root, source):
        return _of_operation(trace, root, source, step)
    kind, name = (source.kind, source.name) if isinstance(source, Outside) else source.written
    if kind in _STATE:
        return _of_state(root, kind, name, step)
    return _of_data(trace, root, step)


def _writes(node: Node) -> bool:
    """Whether it put a non-finite number down instead of computing it from finite tensors."""
    return node.op.removeprefix("aten::") in WRITERS and node.verdict.key == "operation_undefined"


def masked_in_forward(observation: Observation) -> Observation:
    """What it means that the loss was finite: the value of a branch that was not taken.

    0 times NaN is NaN: `where` after the operation hides its value and not its gradient.
    """
    where = observation.where
    if where is None or where.phase not in ("forward", "loss") or observation.key in AS_IT_IS:
        return observation
    return replace(
        observation,
        key="gradient_undefined",
        statement=f"{observation.statement}; the value was masked out, its derivative was not",
        where=replace(where, phase="backward"),
    )


def _overwrites(node: Node) -> bool:
    """Whether it wrote to weights, buffers or moments, and was no optimizer."""
    return node.in_place and node.written[0] in _STATE and node.phase == "forward"


def _prepares(trace: Trace, root: Root, node: Node) -> bool:
    """Whether it made a sample ready for the model: its failure is the sample's.

    What the script computes of a sample behind its model, to meet predictions, is part of the loss.
    """
    particular = ("statistic_of_one", "no_target_counted", "softmax_row_masked")
    if node.in_loading:
        return True
    if _is_of_loss(trace, root, node):
        return False
    plain = _is_plain(node) and node.phase == "forward"
    return (
        plain and node.module is None and bool(node.samples) and node.verdict.key not in particular
    )


def _is_plain(node: Node) -> bool:
    """Whether it was made of data alone."""
    return not (node.with_graph or node.takes_parameter)


def _is_of_loss(trace: Trace, root: Root, node: Node) -> bool:
    if not trace.is_behind_model(node):
        return False
    meeting = _meeting(trace, root)
    return meeting is None or not (meeting.takes_parameter or meeting.has_weights)


def _meeting(trace: Trace, root: Root) -> Node | None:
    """The first operation in which data meets parameters, or what was made of them."""
    touched = _reached(trace, root)
    return next((node for node in touched if node.takes_parameter or node.with_graph), None)


def _of_operation(trace: Trace, root: Root, node: Node, step: int) -> Observation:
    phase = _phase(trace, root, node)
    where = Where(
        phase,
        node.module,
        node.op,
        node.line.file if node.line else None,
        node.line.line if node.line else None,
        _few(node),
    )
    key = node.verdict.key
    of_data = node.samples and _is_plain(node) and _is_of_loss(trace, root, node)
    if key == "argument_left_domain" and of_data and AT_EDGE not in node.verdict.values:
        key = "target_left_domain"  # no weight has a part in it, and no rounding to 0
    if key == "statistic_of_one" and not node.samples and not trace.samples.told:
        key = "division_by_zero_ran"  # by n - 1; of no batch that was loaded or taken
    if phase == "optimizer":
        half = "half" in key or any(t.dtype == torch.float16 for t in node.keeps)
        key = "half_update_nonfinite" if half else "update_made_nonfinite"
    inside = f" in {node.module}" if node.module else ""
    statement = f"{node.op}{inside} {node.verdict.words}"
    if phase == "backward":
        statement = f"backward{inside}: {node.verdict.words} ({node.function}, {node.op})"
    return Observation(
        key, statement + _at(node.line), step, values=node.verdict.values, where=where
    )


def _phase(trace: Trace, root: Root, node: Node) -> str:
    if node.phase != "forward":
        return node.phase
    if not node.has_weights and (
        trace.is_after_model(node) or (_is_plain(node) and _is_of_loss(trace, root, node))
    ):
        return "loss"
    return "forward"


def _few(node: Node) -> tuple[int, ...] | None:
    """The samples, where only some of a batch are concerned, or it is the batch that is."""
    most = _MOST_COUNTED if node.verdict.key == "no_target_counted" else _MOST_SAMPLES
    return node.samples if 0 < len(node.samples) <= most else None


def _of_state(root: Root, kind: str, name: str | None, step: int) -> Observation:
    reader = root.path[0] if root.path else None
    written = root.source.line
    line = written or (reader.line if reader else None)
    where = Where("state", name, None, line.file if line else None, line.line if line else None)
    what = {
        "parameter": "the parameter",
        "buffer": "the buffer",
        "moment": "the optimizer state of",
    }
    return Observation(
        _STATE[kind],
        f"{what[kind]} {name or '(unnamed)'} was not finite before step {step} began"
        + (f": written{_at(written).removeprefix(',')}" if written else ""),
        step,
        where=where,
    )


def _of_data(trace: Trace, root: Root, step: int) -> Observation:
    """A tensor of the batch: an input if it meets parameters first, a target if predictions."""
    touched, meeting = list(_reached(trace, root)), _meeting(trace, root)
    is_target = meeting is not None and not meeting.takes_parameter and not meeting.has_weights
    samples = next((n.samples for n in touched if n.samples), ())
    if not samples and meeting is not None:
        samples = meeting.found_in
    phase = "target" if is_target else "input"
    line = meeting.line if meeting else root.path[0].line if root.path else None
    where = Where(
        phase,
        meeting.module if meeting else None,
        meeting.op if meeting else None,
        line.file if line else None,
        line.line if line else None,
        samples or None,
    )
    what = "the targets" if is_target else "the inputs"
    statement = f"{what} of step {step} hold {_damage(root)}{_of_samples(samples)}"
    if isinstance(root.source, Node) and not _writes(root.source):
        made = root.source
        statement += f", made by {made.op}, which {made.verdict.words}{_at(made.line)}"
    return Observation(f"{phase}_nonfinite", statement + _at(line), step, where=where)


def _reached(trace: Trace, root: Root) -> Iterator[Node]:
    """All operations that the root reaches, in the order in which they ran, loading left out."""
    reached = {id(root.source)}
    held = root.source.tensor if isinstance(root.source, Outside) else None
    storage = storage_of(held) if held is not None else None
    for node in trace.nodes:
        from_root = any(
            id(one) in reached or (isinstance(one, Outside) and storage_of(one.tensor) == storage)
            for one in node.bad_inputs
        )
        if from_root or node is root.source:
            reached.add(id(node))
            if not node.in_loading:
                yield node


def _damage(root: Root) -> str:
    held = root.source.tensor if isinstance(root.source, Outside) else None
    if held is None:
        made = root.source.keeps if isinstance(root.source, Node) else []
        held = made[0] if made else None
    if held is None:
        return "numbers that are not finite"
    nans, infinities = int(torch.isnan(held).sum()), int(torch.isinf(held).sum())
    parts = [f"{nans} NaN" if nans else "", f"{infinities} infinite" if infinities else ""]
    found = " and ".join(part for part in parts if part)
    return f"{found} of {held.numel()} numbers" if found else "numbers that are not finite"


def _of_samples(samples: Sequence[int]) -> str:
    if not samples:
        return ""
    told = ", ".join(str(sample) for sample in samples[:_MOST_SAMPLES])
    more = f" and {len(samples) - _MOST_SAMPLES} more" if len(samples) > _MOST_SAMPLES else ""
    return f" (dataset {'index' if len(samples) == 1 else 'indices'} {told}{more})"


def _at(line: Line | None) -> str:
    if line is None:
        return ""
    place = f"{Path(line.file).name}:{line.line}"
    return f", at {place}: {line.expression}" if line.expression else f", at {place}"
