"""Surveys whole steps of a replay: sizes of inputs, targets and signals, layer by layer."""

# mypy: allow-untyped-calls, allow-subclassing-any
from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gradcheck.watch import frames
from gradcheck.watch.dispatch import floats_in, storage_of, strided_in, written_to
from gradcheck.watch.followed import Followed
from gradcheck.watch.provenance import Rows
from gradcheck.watch.ratios import Ratios
from gradcheck.watch.storages import Storages

_RECTIFIERS = frozenset({"relu", "relu_", "clamp_min", "threshold", "clamp", "clamp_min_"})
_DRAWS = frozenset({"normal_", "uniform_", "trunc_normal_", "exponential_", "bernoulli_"})
"""What begins a layer anew: no fault of the memory writes like that."""
_MOST_LAYERS = 400
LIKE_LARGEST = 4.0
"""Samples whose numbers come this near to the largest stand out with it."""
ENLARGED = 1e3
"""Largest number of a gradient after it was written to, over that before."""
LEAST_SHARE = 0.01
"""Share of the whole gradient from which on one of a parameter counts."""
LEAST_STEPS = 20
"""Steps after which a second moment is an average of something."""
_LOSSES = frozenset({"mse_loss", "smooth_l1_loss", "huber_loss", "l1_loss",
                     "binary_cross_entropy_with_logits", "binary_cross_entropy"})  # fmt: skip
_AVERAGED = _LOSSES | {"sub"}


class Survey(TorchDispatchMode):
    """What one step showed, in plain numbers; `take` gives them and begins the next step."""

    def __init__(
        self,
        parameters: Mapping[int, str],
        moments: Mapping[int, str],
        trained: Sequence[Tensor] = (),
        others: Callable[[], Sequence[Tensor]] = tuple,
    ) -> None:
        super().__init__()
        self._parameters = parameters  # storage -> name
        # a copy that no optimizer trains, as of a teacher, is written to by intention
        self._trained = {storage_of(one): one for one in trained}
        names = {key: name for key, name in parameters.items() if key in self._trained}
        self._state = {**moments, **names}
        self._others = others
        self.in_step = False
        self._learned = Storages()
        self.samples = Rows()
        self._ratios = Ratios()
        self.paused = False
        self._begin()

    def _begin(self) -> None:
        self._layers: list[dict[str, Any]] = []
        self._uses: Counter[str] = Counter()
        self._data: dict[str, dict[str, Any]] = {
            "input": {"largest": 0.0, "spread": 0.0},
            "target": {"largest": 0.0, "spread": 0.0},
        }
        self._numbers = 0  # made of data alone: they grow with the batch
        self._dead: list[float] = []
        self._predicted = False  # a model's own predictions are targets
        self._written: list[dict[str, Any]] = []
        self._renewed = False  # weights were drawn anew
        self._step: dict[str, float] = {}

    def take(self) -> dict[str, Any]:
        """The numbers of the step that is over."""
        found = {
            "layers": self._layers[:_MOST_LAYERS],
            "uses": dict(self._uses),
            **self._data,
            "numbers": self._numbers,
            "dead": max(self._dead, default=0.0),
            "rectified": len(self._dead),
            "written_others": sum(int(one._version) for one in self._others()),
            "bootstrapped": self._predicted and not self._data["target"]["largest"],
            "written": self._written,
            "renewed": self._renewed,
            **self._step,
        }
        self._begin()
        return found

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        writes = func._schema.is_mutable and not self.in_step and not self.paused
        outside = writes and torch._C._current_autograd_node() is None
        gradients = self._gradients_in(func, args, kwargs or {}) if outside else []
        result = func(*args, **(kwargs or {}))
        if self.paused:
            return result
        name = func._schema.name.rpartition("::")[2]
        self.samples.follow(name, args, kwargs or {}, result)
        if outside:
            self._look_at_write(func, args, kwargs or {}, gradients)
        self._follow(strided_in(args, kwargs or {}), strided_in((result,), {}))
        self._ratios.follow(name, args, result)
        if isinstance(result, Tensor) and self._ratios.is_ratio(name, args):
            self._step["ratio"] = max(self._step.get("ratio", 0.0), _largest(result))
        forward = torch._C._current_autograd_node() is None and torch.is_grad_enabled()
        if forward and isinstance(result, Tensor):
            self._look(name, [t for t in floats_in(args, {}) if t.is_floating_point()], result)
        return result

    def _follow(self, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        """What depends on parameters, also through detach, is no data."""
        learned = any(self._depends(t) for t in inputs)
        for out in outputs:
            if learned:
                self._learned.put(out)
            elif not any(out is t for t in inputs):
                self._learned.put(out, is_in=False)
                self._numbers += out.numel()

    def _gradients_in(
        self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> list[tuple[Tensor, str, float]]:
        """The gradients that an operation is about to write to, with their names and sizes."""
        named = {
            storage_of(one.grad): self._state[key]
            for key, one in self._trained.items()
            if one.grad is not None
        }
        return [
            (t, named[storage_of(t)], _largest(t))
            for t in written_to(func, args, kwargs)
            if storage_of(t) in named
        ]

    def _look_at_write(
        self,
        func: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        gradients: Sequence[tuple[Tensor, str, float]],
    ) -> None:
        """Does something other than an optimizer write to weights or to an optimizer's state?

        Or make gradients larger than backward left them, which no clipping or averaging does?
        """
        written = written_to(func, args, kwargs)
        names = [self._state.get(storage_of(t)) for t in written]
        drawn = func._schema.name.rpartition("::")[2] in _DRAWS
        self._renewed |= drawn and any(storage_of(t) in self._trained for t in written)
        names += [
            f"the gradient of {name}"
            for t, name, before in gradients
            if before > 0 and not _largest(t) <= ENLARGED * before  # or NaN
        ]
        line = frames.here()
        if line is not None:
            place = {"file": line.file, "line": line.line}
            self._written += [{"name": name, **place} for name in names if name is not None]

    def _depends(self, t: Tensor) -> bool:
        return t.requires_grad or storage_of(t) in self._parameters or t in self._learned

    def _look(self, name: str, inputs: list[Tensor], result: Tensor) -> None:
        held = [(t, self._parameters.get(storage_of(t))) for t in inputs]
        weight = next((n for t, n in held if n is not None and t.dim() > 1), None)
        others = [t for t, n in held if n is None]
        seen = storage_of(result) in self._parameters  # a view of the weight is no use of it
        if weight is not None and not seen and result.numel() and result.is_floating_point():
            self._uses[weight] += 1
            signal = others[0] if others else None
            self._layers.append(
                {
                    "name": weight,
                    "in": _spread(signal),
                    "out": _spread(result),
                    "first": signal is not None and not signal.requires_grad,
                }
            )
            if signal is not None and not self._depends(signal):
                self._note("input", signal)
        elif name in _AVERAGED and len(others) >= 2 and others[0].shape == others[1].shape:
            plain = [t for t in others[:2] if not self._depends(t)]
            if len(plain) == 1:
                self._note("target", plain[0])
            elif not plain and (name in _LOSSES or result.dim() <= 1):
                self._predicted |= sum(t.requires_grad for t in others[:2]) == 1
        if name in _RECTIFIERS and result.dim() and any(t.requires_grad for t in inputs):
            self._dead.append(_share_off(result))

    def _note(self, kind: str, data: Tensor) -> None:
        """Keep the largest data of a step: its size, where it was met, and the samples in it."""
        largest, known = _largest(data), self._data[kind]
        known["spread"] = max(known["spread"], _spread(data))
        if largest <= known["largest"]:
            return
        line, indices = frames.here(), self.samples.of(data)
        known |= {"largest": largest, "samples": None}
        if line is not None:
            known |= {"file": line.file, "line": line.line}
        if indices is not None:
            size = data.detach().abs().reshape(len(indices), -1).amax(1)
            rows = (size >= largest / LIKE_LARGEST).nonzero().flatten().tolist()
            known["samples"] = sorted({indices[row] for row in rows})

    @torch.no_grad()
    def before_update(self, optimizer: torch.optim.Optimizer, followed: Followed) -> None:
        """How far the second moments lag behind the gradients, just before an update.

        Of each parameter as a whole: a unit that wakes up leaps, and moves little. One with next to
        none of the whole gradient does not count: where it has no effect, as a bias before a
        normalisation, its gradient is rounding, and leaps by any factor.
        """
        lags = []
        norms = {p: float(p.grad.norm()) for p in followed.parameters if p.grad is not None}
        least = LEAST_SHARE * math.hypot(*norms.values())
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                expected = _expected(optimizer.state.get(parameter, {}), group)
                norm = norms.get(parameter, 0.0)
                if expected is not None and norm >= least:
                    lags.append(norm / max(1e-8, expected))
        if lags:
            self._step["lag"] = max(lags)


def _expected(state: Mapping[str, Any], group: Mapping[str, Any]) -> float | None:
    """The norm of a gradient that Adam's second moment expects, None while it knows little."""
    moment, steps = state.get("exp_avg_sq"), float(state.get("step", 0))
    if not isinstance(moment, Tensor) or steps < LEAST_STEPS:
        return None
    _, beta = group.get("betas", (0.0, 0.0))
    return math.sqrt(float(moment.float().sum()) / (1.0 - beta**steps))


def _share_off(result: Tensor) -> float:
    """How many units of a rectified layer are 0 for every sample; channels come second."""
    off = result.detach() == 0
    if off.dim() == 1:
        off = off[:, None]
    if off.dim() > 2:
        off = off.transpose(1, -1)
    return float(off.flatten(0, -2).all(0).float().mean())


def _largest(t: Tensor) -> float:
    return float(t.detach().abs().max()) if t.numel() else 0.0


def _spread(t: Tensor | None) -> float:
    """The root mean square about zero."""
    if t is None or not t.numel():
        return 0.0
    return float(t.detach().double().pow(2).mean().sqrt())
