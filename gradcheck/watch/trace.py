"""Follows every operation of one step, to find where the first non-finite number came from."""

# mypy: allow-untyped-calls, allow-subclassing-any
from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from gradcheck.watch import frames, sources, tensors
from gradcheck.watch.frames import Line
from gradcheck.watch.operations import Verdict, judge

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


@dataclass
class Node:
    """An operation whose result is not finite."""

    place: int
    op: str
    phase: str
    """forward, backward, optimizer or outside (no autograd, no module)."""
    module: str | None
    has_weights: bool
    line: Line | None
    bad_inputs: list[Node | Outside]
    verdict: Verdict
    made_nan: bool
    with_graph: bool
    """Whether an input depends on parameters."""
    takes_parameter: bool
    rows: tuple[int, ...] = ()
    samples: tuple[int, ...] = ()
    found_in: tuple[int, ...] = ()
    """Rows of a table of the user's that hold what the bad rows hold."""
    function: str | None = None
    """The autograd node, in backward."""
    in_loading: bool = False
    """Whether it ran while a DataLoader made a batch."""
    written: tuple[str, str | None] = ("data", None)
    """What it wrote to, if it is a writer: its kind and name."""
    keeps: list[Tensor] = field(default_factory=list)


@dataclass
class Outside:
    """A tensor that was not finite and that no traced operation made."""

    tensor: Tensor
    kind: str
    """parameter, buffer, moment, gradient or data."""
    name: str | None = None


class Trace(TorchDispatchMode):
    """Records the operations of a step that give a non-finite result, and what they came from."""

    def __init__(self, known: dict[int, tuple[str, str]], batch_rows: dict[int, list[int]]) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.count = 0
        self._parameter_uses: list[int] = []
        self._backwards: list[int] = []
        self.failed: Failure | None = None
        self._known = known  # storage -> (kind, name)
        self._origin: dict[int, Node | Outside] = {}
        self.rows_of: dict[int, list[int]] = batch_rows
        self._with_rows: set[int] = set()
        """Storages of the tensors whose rows are known."""
        self.stack: list[tuple[str, nn.Module]] = []
        self.in_step = False
        self.in_loading = False
        self._alive: list[Tensor] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        self.count += 1
        before = list(_floats(args, kwargs))
        bad_before = [t for t in before if _is_bad(t)]
        parameters = [t for t in before if self._kind(t) == "parameter"]
        if parameters and not self._in_backward():
            self._parameter_uses.append(self.count)
        name = func._schema.name.rpartition("::")[2]
        if name in UNINITIALISED:
            result = func(*args, **kwargs)
            for t in _floats((result,), {}):
                self._forget(t)
            return result
        seen = _kept_arguments(name, args)
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            self.failed = self.failed or Failure(
                name, self._module()[0], frames.here(), error, tuple(args)
            )
            raise
        if not self.in_loading:  # rows of one sample are no samples
            self._follow_rows(name, args, kwargs, result)
        mutated = _mutated(func, args, kwargs)
        outputs = [*_floats((result,), {}), *mutated]
        bad = [t for t in outputs if _is_bad(t)]
        if bad:
            self._note(name, seen, kwargs, bad_before, bad, before)
        for t in outputs:
            if not any(t is b for b in bad) and _covers_storage(t):
                self._forget(t)
        return result

    def backward_begins(self) -> None:
        """The forward pass that ran last is complete."""
        self._backwards.append(self.count)

    def is_after_model(self, node: Node) -> bool:
        """Whether no parameter was used any more between an operation and backward."""
        end = next((place for place in self._backwards if place >= node.place), self.count)
        return not any(node.place <= use <= end for use in self._parameter_uses)

    # ---- whence and where

    def origin(self, tensor: Tensor) -> Node | Outside:
        """What made a tensor non-finite."""
        found = self._origin.get(_key(tensor))
        if found is not None:
            return found
        kind, name = self._known.get(_key(tensor), ("data", ""))
        made = Outside(tensor.detach(), kind, name or None)
        self._alive.append(tensor.detach())
        return made

    def _kind(self, tensor: Tensor) -> str | None:
        return self._known.get(_key(tensor), (None, ""))[0]

    def _forget(self, tensor: Tensor) -> None:
        self._origin.pop(_key(tensor), None)

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
        node_now = torch._C._current_autograd_node()
        backward = node_now is not None
        module, has_weights = self._module()
        line = frames.here()
        function = None
        if node_now is not None:
            function = node_now.name()
            metadata: Any = node_now.metadata
            made_at = metadata.get("traceback_")
            line = (frames.of_traceback(made_at) if made_at else None) or line
        phase = "backward" if backward else "optimizer" if self.in_step else "forward"
        rows, samples = self._bad_rows(bad_before, bad)
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
            written=self._known.get(_key(bad[0]), ("data", None)),
        )
        if not samples and bad_before and not self.in_loading:
            plain = [t for t in bad_before if not t.requires_grad and t.dim()]
            if plain and not backward and (node.with_graph or node.takes_parameter):
                node.found_in = sources.samples(plain[0], tensors.nonfinite_rows(plain[0]))
        if len(node.verdict.rows) and not samples:
            node.samples = self._samples(node.verdict.rows, [*before, *bad])
        self.nodes.append(node)
        for t in bad:
            self._origin[_key(t)] = node
            node.keeps.append(t.detach())  # its memory must not become another tensor's

    def _samples(self, rows: Sequence[int], near: list[Tensor]) -> tuple[int, ...]:
        for t in near:
            known = self.rows(t)
            if known:
                per = len(t) // len(known)
                return tuple(sorted({known[row // per] for row in rows if row < len(t)}))
        return ()

    def _bad_rows(
        self, inputs: list[Tensor], outputs: list[Tensor]
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Rows of the batch that are not finite, and their dataset indices, where known."""
        if self.in_loading:
            return (), ()
        for t in [*inputs, *outputs]:
            known = self.rows(t)
            if known:
                per = len(t) // len(known)
                rows = sorted({row // per for row in tensors.nonfinite_rows(t)})
                return tuple(rows), tuple(sorted({known[row] for row in rows}))
        return (), ()

    def rows(self, t: Tensor) -> list[int] | None:
        """The dataset index of each row of a tensor (or of each block of rows), where known."""
        known = self.rows_of.get(t.data_ptr())
        if not known or not t.dim() or not len(t) or len(t) % len(known):
            return None
        return known if t.stride(0) == max(t.stride()) else None  # else it is transposed

    def _follow_rows(self, name: str, args: Sequence[Any], kwargs: Any, result: Any) -> None:
        """Keep track of which dataset index each row of a tensor belongs to."""
        inputs = [t for t in _tensors(args, kwargs) if t.dim()]
        taken = _rows_taken(name, args)
        for out in _tensors((result,), {}):
            if not out.dim() or any(out is t for t in inputs):
                continue
            same = [t for t in inputs if t.data_ptr() == out.data_ptr()]
            if taken is not None and len(taken) == len(out):
                source = self.rows(args[0])
                if source is not None and len(source) == len(args[0]):
                    self._set_rows(out, [source[i] for i in taken])
                    continue
                if self._may_be_table(name, args[0]):
                    self._set_rows(out, taken)
                    continue
            known = next((k for t in inputs if len(t) == len(out) and (k := self.rows(t))), None)
            if known is not None:
                self._set_rows(out, known)
            elif not same:
                self.rows_of.pop(out.data_ptr(), None)
                if not any(_key(t) == _key(out) for t in inputs):
                    self._with_rows.discard(_key(out))

    def _set_rows(self, t: Tensor, rows: list[int]) -> None:
        self.rows_of[t.data_ptr()] = rows
        self._with_rows.add(_key(t))

    def _may_be_table(self, name: str, t: Tensor) -> bool:
        """Whether rows taken from a tensor are samples: it holds data, and is no piece of a batch."""
        if t.requires_grad or (name == "slice" and _is_list(t)):
            return False
        return _key(t) not in self._with_rows


@dataclass(frozen=True)
class Failure:
    """An operation that raised."""

    op: str
    module: str | None
    line: Line | None
    error: BaseException
    arguments: tuple[Any, ...]


def _tensors(args: Any, kwargs: Any) -> Iterator[Tensor]:
    for value in (*args, *kwargs.values()):
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value, {})


def _floats(args: Any, kwargs: Any) -> Iterator[Tensor]:
    for t in _tensors(args, kwargs):
        if (t.is_floating_point() or t.is_complex()) and t.layout == torch.strided:
            yield t


def _kept_arguments(name: str, args: Sequence[Any]) -> Sequence[Any]:
    """The arguments as they are before the call; what it writes over is copied."""
    if not name.endswith("_") or not args or not isinstance(args[0], Tensor):
        return args
    return (args[0].detach().clone(), *args[1:])


def _is_bad(t: Tensor) -> bool:
    return t.numel() > 0 and not bool(torch.isfinite(t.detach()).all())


def _key(t: Tensor) -> int:
    return t.untyped_storage().data_ptr()


def _covers_storage(t: Tensor) -> bool:
    return t.numel() * t.element_size() >= t.untyped_storage().nbytes()


def _mutated(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Tensor]:
    found: list[Tensor] = []
    for place, argument in enumerate(func._schema.arguments):
        if argument.alias_info is None or not argument.alias_info.is_write:
            continue
        value = args[place] if place < len(args) else kwargs.get(argument.name)
        found += list(_floats((value,), {}))
    return found


def _is_list(t: Tensor) -> bool:
    """Whether it may be a list of indices that is cut into batches."""
    return t.dim() == 1 and t.dtype == torch.int64


def _rows_taken(name: str, args: Sequence[Any]) -> list[int] | None:
    """The rows of a table that an operation picks along its first dimension."""
    if name == "index" and len(args[1]) == 1 and isinstance(args[1][0], Tensor):
        index = args[1][0]
        return index.tolist() if _is_list(index) else None
    if name == "index_select" and args[1] == 0:
        rows: list[int] = args[2].tolist()
        return rows
    if name == "slice" and args[0].dim() and (len(args) < 2 or args[1] == 0):
        given = list(args[2:5]) + [None, None, 1][len(args[2:5]) :]
        taken = list(range(len(args[0]))[slice(*given)])
        return taken if len(taken) < len(args[0]) else None
    return None


class ModuleStack:
    """Global hooks that tell a trace which module is running; only ever in a replay."""

    def __init__(self, trace: Trace, names: dict[int, str]) -> None:
        from torch.nn.modules import module  # noqa: PLC0415

        self._trace = weakref.ref(trace)
        self._names = names
        self._before = module.register_module_forward_pre_hook(self._enter)
        self._after = module.register_module_forward_hook(self._leave, always_call=True)

    def _enter(self, module: nn.Module, inputs: Any) -> None:
        trace = self._trace()
        if trace is not None:
            name = self._names.get(id(module), type(module).__name__)
            trace.stack.append((name, module))

    def _leave(self, module: nn.Module, inputs: Any, output: Any) -> None:
        trace = self._trace()
        if trace is not None and trace.stack:
            trace.stack.pop()

    def remove(self) -> None:
        """Take the hooks out."""
        self._before.remove()
        self._after.remove()
