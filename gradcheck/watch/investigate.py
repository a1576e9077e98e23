"""What a replay does at the failing step: trace it, and answer what it found."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from gradcheck.model import Observation
from gradcheck.watch import blame, tensors
from gradcheck.watch.collating import order_of
from gradcheck.watch.dispatch import storage_of
from gradcheck.watch.followed import Followed, Step
from gradcheck.watch.module_stack import ModuleStack
from gradcheck.watch.names import Names
from gradcheck.watch.probe import Probe
from gradcheck.watch.survey import Survey
from gradcheck.watch.trace import Trace


class Investigation:
    """Traces from the step before the failure on: its update may be what poisoned the weights."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.trace: Trace | None = None
        self._survey: Survey | None = None
        self._surveys: list[dict[str, Any]] = []
        self._mode = "trace"
        self._last = 0
        """The step that ended last."""
        self._modules: ModuleStack | None = None

    def order(self, order: Mapping[str, Any]) -> None:
        """What to do in this replay: "trace" the failing step, or "survey" whole steps."""
        self._mode = str(order["mode"])

    def begin(self) -> None:
        """Enter the modes under which every operation and its line are seen."""
        self.probe.guard.shield = self._paused
        if self._mode == "survey":
            held = _known(self.probe, self.probe.optimizers.names).items()
            kinds: dict[str, dict[int, str]] = {"parameter": {}, "moment": {}, "buffer": {}}
            for key, (kind, name) in held:
                kinds[kind][key] = name
            optimizers = self.probe.optimizers
            self._survey = Survey(
                kinds["parameter"], kinds["moment"], optimizers.trained(), optimizers.untrained
            )
            self.add_batch()
            self._survey.__enter__()
            return
        names = self.probe.optimizers.names
        self.trace = Trace(_known(self.probe, names))
        self.add_batch()
        self._modules = ModuleStack(self.trace, names.module)
        torch.autograd.set_detect_anomaly(True, check_nan=False)
        self.trace.__enter__()

    @contextmanager
    def _paused(self) -> Iterator[None]:
        """Our own operations are none of the script's."""
        mode = self.trace or self._survey
        if mode is not None:
            mode.paused = True
        try:
            yield
        finally:
            if mode is not None:
                mode.paused = False

    def boundary(self, step: Step) -> None:
        """A step of the replay is over."""
        self._last = step.step
        if self._survey is not None:
            self._surveys.append(self._survey.take())

    def before_update(self, optimizer: torch.optim.Optimizer, followed: Followed) -> None:
        """An update is about to be made in the replay."""
        if self._survey is not None:
            self._survey.before_update(optimizer, followed)

    def in_step(self, updating: bool) -> None:
        """An optimizer updates its weights, or has done so."""
        mode = self.trace or self._survey
        if mode is not None:
            mode.in_step = updating

    def passed(self) -> Mapping[str, Any]:
        """All steps that were asked for went by: what did they write into the buffers?"""
        if self.trace is None:
            return {"surveys": self._surveys}
        self.trace.__exit__(None, None, None)
        root = blame.root_of_buffers(self.trace)
        told = [] if root is None else [blame.observe(self.trace, root, self._last)]
        return {"observations": [asdict(observation) for observation in told]}

    def add_batch(self) -> None:
        """Tell the trace which dataset index each row of the batch is."""
        batch = self.probe.loading.batch
        looking = self.trace or self._survey
        if looking is None or batch is None or batch.indices is None:
            return
        with self._paused():
            batch.indices = order_of(self.probe.loading.iterator, batch.items, batch.indices)
        for _, item in batch.items:
            if item.dim() and len(item) == len(batch.indices):
                looking.samples.know(item, batch.indices)

    def arrive(self, followed: Followed, step: Step) -> Mapping[str, Any]:
        """The step is not finite here either: what came first?"""
        if self._survey is not None:
            return {"surveys": [*self._surveys, self._survey.take()]}
        if self.trace is None:
            return {}
        self.trace.__exit__(None, None, None)
        failed = [t for t in self.probe.loss_tensors if not bool(torch.isfinite(t).all())]
        forward_failed = bool(failed)
        if not failed:
            grads = [p.grad for p in followed.parameters if p.grad is not None]
            failed = [g for g in grads if not tensors.all_finite([g])]
        root = blame.root_of(self.trace, failed)
        told = [blame.observe(self.trace, root, step.step)] if root is not None else []
        if not forward_failed:
            told = [blame.masked_in_forward(one) for one in told]
        return {
            "observations": [asdict(observation) for observation in told],
            "loss": None if step.loss is None else step.loss.hex(),
            "norm": step.norm.hex() if math.isfinite(step.norm) else str(step.norm),
        }

    def crash(self, error: BaseException | None) -> Mapping[str, Any]:
        """The script raised, here as there: at which operation?"""
        if self._survey is not None:
            return {"surveys": self._surveys}
        failure = self.trace.failed if self.trace is not None else None
        if failure is None:
            return {}
        module = failure.module
        line = failure.line
        return {
            "crash": {
                "op": failure.op,
                "module": module,
                "file": line.file if line else None,
                "line": line.line if line else None,
                "expression": line.expression if line else "",
                "arguments": [_summary(argument) for argument in failure.arguments],
                "samples": self._out_of_range(failure.arguments),
            }
        }

    def _out_of_range(self, arguments: Sequence[Any]) -> list[int]:
        """Dataset indices of the rows that ask for more than their table or classes hold."""
        tables = [a for a in arguments if isinstance(a, Tensor) and a.is_floating_point()]
        asked = [a for a in arguments if isinstance(a, Tensor) and a.dtype == torch.int64]
        if self.trace is None or not tables or not asked:
            return []
        # a table of embeddings is indexed along its rows, scores along their classes
        is_table = tables[0].requires_grad and tables[0].is_leaf
        size = tables[0].shape[0 if is_table or tables[0].dim() < 2 else 1]
        bad = ((asked[0] < 0) & (asked[0] != -100)) | (asked[0] >= size)
        samples = self.trace.samples
        known = samples.of(asked[0]) or (None if is_table else samples.of(tables[0]))
        if known is None or not asked[0].dim():
            return []
        per = len(asked[0]) // len(known)
        rows = bad.reshape(len(bad), -1).any(1).nonzero().flatten().tolist()
        return sorted({known[row // per] for row in rows})


def _known(probe: Probe, names: Names) -> dict[int, tuple[str, str]]:
    """The storages of state, by what it is and its name."""
    known: dict[int, tuple[str, str]] = {}
    for name, buffer in names.buffers().items():
        known[storage_of(buffer)] = ("buffer", name)
    for name, parameter in names.parameters().items():
        known[storage_of(parameter)] = ("parameter", name)
    for optimizer, followed in probe.optimizers.items():
        for place, parameter in enumerate(followed.parameters):
            known.setdefault(storage_of(parameter), ("parameter", names.of(parameter, place)))
            for value in optimizer.state.get(parameter, {}).values():
                if isinstance(value, Tensor) and value.is_floating_point():
                    known.setdefault(storage_of(value), ("moment", names.of(parameter, place)))
    return known


def _summary(argument: Any) -> Any:
    if isinstance(argument, Tensor):
        found = tensors.extent(argument)
        shape = list(argument.shape)
        if found is None:
            return {"shape": shape, "dtype": str(argument.dtype)}
        return {"shape": shape, "dtype": found.dtype, "low": found.low, "high": found.high}
    return argument if isinstance(argument, int | float | str | bool) else None


def observation_of(found: Mapping[str, Any]) -> Observation:
    """An observation as a replay sent it."""
    from gradcheck.model import Where  # noqa: PLC0415

    where = found.get("where")
    if where is not None:
        samples = where.get("samples")
        where = Where(**{**where, "samples": tuple(samples) if samples is not None else None})
    return Observation(**{**found, "where": where})
