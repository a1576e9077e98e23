"""Hangs the watch into torch: what a script calls in every step, wrapped from the outside."""

# mypy: allow-untyped-calls, allow-untyped-defs, allow-untyped-decorators
# mypy: disable-error-code="no-untyped-def,no-any-return"
from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.utils.data import dataloader

from gradcheck.watch.guard import Guard

CLIPS = ("clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "clip_grad_norm")


class Hooks(Protocol):
    """What happens in a script, as the watch is told of it."""

    def ending(self) -> None: ...
    def module_made(self, module: torch.nn.Module) -> None: ...
    def created(self, optimizer: Optimizer) -> None: ...
    def scheduled(self, scheduler: LRScheduler) -> None: ...
    def cleared(self, owner: object) -> None: ...
    def before_backward(self, loss: Tensor) -> None: ...
    def differentiated(self, output: Tensor) -> None: ...
    def clipped(self, kind: str, parameters: Any, norm: Any, limit: Any) -> None: ...
    def scaled(self, scaler: Any, raw: Tensor, product: Tensor) -> None: ...
    def unscaled(self, scaler: Any, optimizer: Optimizer) -> None: ...
    def before_scaler_step(self, scaler: Any, optimizer: Optimizer) -> None: ...
    def after_scaler_step(self, scaler: Any, optimizer: Optimizer) -> None: ...
    def before_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> Any: ...
    def after_step(self, optimizer: Optimizer) -> None: ...


class LoaderHooks(Protocol):
    """What happens in DataLoaders."""

    def fetching(self, iterator: Any) -> Any: ...
    def indexed(self, iterator: Any, index: Any) -> Any: ...
    def fetched(self, iterator: Any, batch: Any) -> tuple[Any, ...] | None: ...


class Patches:
    """Every wrapper that was put in, so that all of them can be taken out again."""

    def __init__(self, hooks: Hooks, loaders: LoaderHooks, guard: Guard) -> None:
        self._hooks, self._loader_hooks, self._guard = hooks, loaders, guard
        self._undo: list[Callable[[], None]] = []

    def install(self) -> None:
        """Put all wrappers in."""
        self._modules()
        self._backward()
        self._optimizers()
        self._clips()
        self._scalers()
        self._loaders()
        self._exit()

    def remove(self) -> None:
        """Take them out, the last first."""
        while self._undo:
            self._undo.pop()()

    def _wrap(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        real = owner.__dict__.get(name) if isinstance(owner, type) else getattr(owner, name, None)
        if real is None:
            return
        setattr(owner, name, functools.wraps(real)(make(real)))
        self._undo.append(lambda: setattr(owner, name, real))

    def _modules(self) -> None:
        made, guard = self._hooks.module_made, self._guard

        def make(real):
            def construct(self, *args, **kwargs):
                guard(made, self)
                return real(self, *args, **kwargs)

            return construct

        self._wrap(torch.nn.Module, "__init__", make)
        self._wrap(torch.nn.Module, "__setstate__", make)

    def _backward(self) -> None:
        self._wrap(torch.autograd, "backward", self._make_backward)
        self._wrap(torch.autograd, "grad", self._make_grad)

    def _make_backward(self, real):
        hooks, guard = self._hooks, self._guard

        def backward(tensors, *args, **kwargs):
            one = tensors[0] if isinstance(tensors, list | tuple) and len(tensors) == 1 else tensors
            if isinstance(one, Tensor) and not torch.compiler.is_compiling():
                guard(hooks.before_backward, one)
            return real(tensors, *args, **kwargs)

        return backward

    def _make_grad(self, real):
        hooks, guard = self._hooks, self._guard

        def grad(outputs, *args, **kwargs):
            one = outputs[0] if isinstance(outputs, list | tuple) and outputs else outputs
            if isinstance(one, Tensor) and not torch.compiler.is_compiling():
                guard(hooks.differentiated, one)
            return real(outputs, *args, **kwargs)

        return grad

    def _optimizers(self) -> None:
        hooks, guard = self._hooks, self._guard

        def make_init(real):
            def construct(self, *args, **kwargs):
                real(self, *args, **kwargs)
                guard(hooks.created, self)

            return construct

        def make_clear(real):
            def zero_grad(self, *args, **kwargs):
                if not torch.compiler.is_compiling():
                    guard(hooks.cleared, self)
                return real(self, *args, **kwargs)

            return zero_grad

        def make_schedule(real):
            def construct(self, *args, **kwargs):
                guard(hooks.scheduled, self)
                real(self, *args, **kwargs)

            return construct

        self._wrap(Optimizer, "__init__", make_init)
        self._wrap(LRScheduler, "__init__", make_schedule)
        self._wrap(Optimizer, "zero_grad", make_clear)
        self._wrap(torch.nn.Module, "zero_grad", make_clear)
        before = register_optimizer_step_pre_hook(
            lambda optimizer, args, kwargs: guard(hooks.before_step, optimizer, args, kwargs)
        )
        after = register_optimizer_step_post_hook(
            lambda optimizer, args, kwargs: guard(hooks.after_step, optimizer)
        )
        self._undo += [before.remove, after.remove]

    def _clips(self) -> None:
        hooks, guard = self._hooks, self._guard

        def make(name):
            def make_clip(real):
                def clip(parameters, *args, **kwargs):
                    if torch.compiler.is_compiling() or guard.off:
                        return real(parameters, *args, **kwargs)
                    if not isinstance(parameters, Tensor):
                        parameters = list(parameters)  # a generator could be read only once
                    norm = real(parameters, *args, **kwargs)
                    limit = args[0] if args else kwargs.get("max_norm")
                    guard(hooks.clipped, name, parameters, norm, limit)
                    return norm

                return clip

            return make_clip

        for owner in (torch.nn.utils, torch.nn.utils.clip_grad):
            for name in CLIPS:
                self._wrap(owner, name, make(name))

    def _scalers(self) -> None:
        scaler_type = _scaler_type()
        self._wrap(scaler_type, "scale", self._make_scale)
        self._wrap(scaler_type, "unscale_", self._make_unscale)
        self._wrap(scaler_type, "step", self._make_scaler_step)

    def _make_scale(self, real):
        hooks, guard = self._hooks, self._guard

        def scale(scaler, outputs):
            product = real(scaler, outputs)
            if isinstance(outputs, Tensor):
                guard(hooks.scaled, scaler, outputs, product)
            return product

        return scale

    def _make_unscale(self, real):
        hooks, guard = self._hooks, self._guard

        def unscale_(scaler, optimizer):
            result = real(scaler, optimizer)
            guard(hooks.unscaled, scaler, optimizer)
            return result

        return unscale_

    def _make_scaler_step(self, real):
        hooks, guard = self._hooks, self._guard

        def step(scaler, optimizer, *args, **kwargs):
            guard(hooks.before_scaler_step, scaler, optimizer)
            result = real(scaler, optimizer, *args, **kwargs)
            guard(hooks.after_scaler_step, scaler, optimizer)
            return result

        return step

    def _loaders(self) -> None:
        hooks, guard = self._loader_hooks, self._guard

        def make_index(real):
            def _next_index(self):
                index = real(self)
                changed = guard(hooks.indexed, self, index)
                return index if changed is None else changed

            return _next_index

        def make_next(real):
            def following(self):
                given: Any = ()
                while given == ():
                    taped = guard(hooks.fetching, self)
                    if taped == ():
                        raise StopIteration
                    batch = real(self) if taped is None else taped[0]
                    given = guard(hooks.fetched, self, batch)
                return batch if given is None else given[0]

            return following

        self._wrap(dataloader._BaseDataLoaderIter, "_next_index", make_index)
        self._wrap(dataloader._BaseDataLoaderIter, "__next__", make_next)

    def _exit(self) -> None:
        ending, guard = self._hooks.ending, self._guard

        def make(real):
            def _exit(status):
                guard(ending)
                return real(status)

            return _exit

        self._wrap(os, "_exit", make)


def _scaler_type() -> Any:
    found = getattr(torch.amp, "GradScaler", None)
    if found is not None:
        return found
    from torch.cuda.amp import GradScaler  # noqa: PLC0415 - where torch was before 2.3

    return GradScaler
