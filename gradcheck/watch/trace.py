"""Follows every operation of one step, to find where the first non-finite number came from."""

# mypy: allow-untyped-calls, allow-subclassing-any
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from gradcheck.watch import frames, sources, tensors
from gradcheck.watch.absorbed import Absorbed
from gradcheck.watch.counts import Counts
from gradcheck.watch.dispatch import (
    covers_storage,
    floats_in,
    is_bad,
    kept_arguments,
    mutated,
    storage_of,
)
from gradcheck.watch.frames import Line
from gradcheck.watch.nodes import Node, Outside
from gradcheck.watch.operations import judge
from gradcheck.watch.provenance import Rows
from gradcheck.watch.ratios import Ratios

WRITERS = frozenset(
    {
        "fill_", "fill", "masked_fill", "masked_fill_", "full", "full_like", "new_full",
        "scalar_tensor", "lift_fresh", "lift_fresh_copy", "index_put_", "index_put", "copy_",
        "_to_copy", "where", "masked_scatter", "masked_scatter_", "set_", "scatter", "scatter_",
        "index_fill", "index_fill_", "_index_put_impl_", "detach", "resize_", "_local_scalar_dense",
        "slice_scatter", "select_scatter", "constant_pad_nd", "uniform_", "normal_", "lift",
    }
)  # fmt: skip
"""Operations that put numbers down rather than compute them."""
UNINITIALISED = ("empty", "empty_like", "new_empty", "empty_strided", "new_empty_strided",
                 "_empty_affine_quantized")  # fmt: skip

OVERFLOWS = frozenset({"exponential_overflowed", "half_overflowed"})
OF_ZERO = frozenset({"log_of_zero_ran", "division_by_zero_ran"})
"""What a number divided by an infinity leads to."""


class Trace(TorchDispatchMode):
    """Records the operations of a step that give a non-finite result, and what they came from."""

    def __init__(self, known: dict[int, tuple[str, str]]) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.count = 0
        self._parameter_uses: list[int] = []
        self._backwards: list[int] = []
        self.failed: Failure | None = None
        self._known = known  # storage -> (kind, name)
        self._origin: dict[int, Node | Outside] = {}
        self._absorbed: Absorbed[Node | Outside] = Absorbed()
        self.samples = Rows()
        self.counts = Counts(lambda t: self._kind(t) is not None)
        self.ratios = Ratios()
        self.stack: list[tuple[str, nn.Module]] = []
        self.in_step = False
        self.in_loading = False
        self.paused = False
        self._alive: list[Tensor] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.paused:
            return func(*args, **kwargs)
        self.count += 1
        name = func._schema.name.rpartition("::")[2]
        before = list(floats_in(args, kwargs))
        bad_before = [t for t in before if is_bad(t)]
        if not self._in_backward() and any(self._kind(t) == "parameter" for t in before):
            self._parameter_uses.append(self.count)
        seen = kept_arguments(name, args)
        result = self._call(func, name, args, kwargs)
        outputs = [*floats_in((result,), {}), *mutated(func, args, kwargs)]
        if not self.in_loading:  # rows of one sample are no samples
            self.samples.follow(name, args, kwargs, result)
        self.counts.in_loading = self.in_loading
        self.counts.follow(name, args, kwargs, result, self.samples)
        self.ratios.follow(name, args, result)
        bad = [] if name in UNINITIALISED else [t for t in outputs if is_bad(t)]
        if bad:
            self._note(name, seen, kwargs, bad_before, bad, before)
        self._forget_all(outputs, bad)
        if bad_before or not bad:
            self._absorbed.follow(name, seen, before, outputs, self.origin)
        return result

    def _call(self, func: Any, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        try:
            return func(*args, **kwargs)
        except Exception as error:
            failure = Failure(name, self._module()[0], frames.here(), error, tuple(args))
            self.failed = self.failed or failure
            raise

    def _forget_all(self, outputs: list[Tensor], bad: list[Tensor]) -> None:
        """Memory that was written over is not what it was."""
        for t in outputs:
            if covers_storage(t) and not any(t is b for b in bad):
                self._forget(t)

    def backward_begins(self) -> None:
        """The forward pass that ran last is complete."""
        self._backwards.append(self.count)

    def is_after_model(self, node: Node) -> bool:
        """Whether no parameter was used any more between an operation and backward."""
        end = next((place for place in self._backwards if place >= node.place), self.count)
        return not any(node.place <= use <= end for use in self._parameter_uses)

    def is_behind_model(self, node: Node) -> bool:
        """Whether parameters were used before an operation, since backward ran last."""
        begin = max((place for place in self._backwards if place < node.place), default=0)
        return any(begin < use < node.place for use in self._parameter_uses)

    # ---- whence and where

    def origin(self, tensor: Tensor) -> Node | Outside:
        """What made a tensor non-finite."""
        found = self._origin.get(storage_of(tensor))
        if (
            isinstance(found, Node)
            and found.phase == "forward"
            and isinstance(tensor, nn.Parameter)
        ):
            # a state that was written, not computed
            name = self._kind_and_name(tensor)[1]
            return Outside(tensor.detach(), "parameter", name, _first_line(found))
        if found is not None:
            return found
        kind, name = self._known.get(storage_of(tensor), ("data", ""))
        made = Outside(tensor.detach(), kind, name or None)
        self._alive.append(tensor.detach())
        return made

    def _kind_and_name(self, tensor: Tensor) -> tuple[str, str | None]:
        return self._known.get(storage_of(tensor), ("parameter", None))

    def _kind(self, tensor: Tensor) -> str | None:
        return self._known.get(storage_of(tensor), (None, ""))[0]

    def _forget(self, tensor: Tensor) -> None:
        self._origin.pop(storage_of(tensor), None)

    def _in_backward(self) -> bool:
        return torch._C._current_autograd_node() is not None

    def _module(self) -> tuple[str | None, bool]:
        for name, module in reversed(self.stack):
            if next(module.parameters(), None) is not None:
                return name, True
        return (self.stack[-1][0], False) if self.stack else (None, False)

    def _note(
        self,
        name: str,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        bad_before: list[Tensor],
        bad: list[Tensor],
        before: list[Tensor],
    ) -> None:
        backward = self._in_backward()
        module, has_weights = self._module()
        function, line = _function_and_line()
        # an optimizer computes without a graph: a closure that it runs again has one
        updating = self.in_step and not torch.is_grad_enabled()
        phase = "backward" if backward else "optimizer" if updating else "forward"
        rows, samples = ((), ()) if self.in_loading else self.samples.bad(bad_before, bad)
        node = Node(
            place=self.count,
            op=f"aten::{name}",
            phase=phase,
            module=module,
            has_weights=has_weights,
            line=line,
            bad_inputs=[self.origin(t) for t in bad_before],
            verdict=judge(name, args, kwargs, bad, function),
            made_nan=any(bool(torch.isnan(t).any()) for t in bad),
            with_graph=any(t.requires_grad for t in before),
            takes_parameter=any(self._kind(t) == "parameter" for t in before),
            rows=rows,
            samples=samples,
            function=function,
            in_loading=self.in_loading,
            written=self._known.get(storage_of(bad[0]), ("data", None)),
            in_place=any(bad[0] is t for t in before) or name.endswith("_"),
        )
        self._find_samples(node, bad_before)
        self._refine(node, name, args)
        left = self._absorbed.behind(before) if node.verdict.key in OF_ZERO else None
        if left is not None and not node.bad_inputs:
            node.bad_inputs = [left]
        # the -inf of a mask is in many rows that are sound
        of_mask = node.verdict.key == "softmax_row_masked"
        if len(node.verdict.rows) and (of_mask or not samples):
            node.samples = self.samples.samples(node.verdict.rows, [*before, *bad])
        self.nodes.append(node)
        for t in bad:
            self._origin[storage_of(t)] = node
            node.keeps.append(t.detach())  # its memory must not become another tensor's
        # a batch normalisation fills its buffers without a word in its schema
        fine = (t for t in before if not any(t is b for b in bad_before))
        node.fills_buffer = any(self._kind(t) == "buffer" and is_bad(t) for t in fine)

    def _refine(self, node: Node, name: str, args: Sequence[Any]) -> None:
        """What an operation's arguments were made of may say more than their values."""
        counted = self.counts.verdict(name, args)
        if counted is not None:
            node.verdict, node.samples = counted
        if node.verdict.key in OVERFLOWS and self.ratios.is_ratio(name, args):
            node.verdict = replace(node.verdict, key="ratio_overflowed")

    def _find_samples(self, node: Node, bad_before: list[Tensor]) -> None:
        """Look for the rows of bad data among the user's tables, where nothing else tells them."""
        if node.samples or self.in_loading or node.phase == "backward":
            return
        plain = [t for t in bad_before if not t.requires_grad and t.dim()]
        if plain and (node.with_graph or node.takes_parameter):
            node.found_in = sources.samples(plain[0], tensors.nonfinite_rows(plain[0]))


def _function_and_line() -> tuple[str | None, Line | None]:
    """The autograd node that is running, if any, and the line that runs, or that made it."""
    node, line = torch._C._current_autograd_node(), frames.here()
    if node is None:
        return None, line
    metadata: Any = node.metadata
    made_at = metadata.get("traceback_")
    return node.name(), (frames.of_traceback(made_at) if made_at else None) or line


def _first_line(found: Node | Outside) -> Line | None:
    """Where the number that was written comes from, as far as it can be followed back."""
    seen: set[int] = set()
    while isinstance(found, Node) and found.bad_inputs and id(found) not in seen:
        seen.add(id(found))
        inner = found.bad_inputs[0]
        if isinstance(inner, Outside) and inner.line is None:
            break
        found = inner
    return found.line


@dataclass(frozen=True)
class Failure:
    """An operation that raised."""

    op: str
    module: str | None
    line: Line | None
    error: BaseException
    arguments: tuple[Any, ...]
