"""Follows a script step by step: losses, gradients, rates and batches, as the hooks tell."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
import statistics
import time
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.optimizer import Optimizer

from gradcheck.watch import closures, frames, rows, scalars, tensors
from gradcheck.watch.buffers import BufferCopies
from gradcheck.watch.followed import Followed, Step
from gradcheck.watch.guard import Guard
from gradcheck.watch.listener import Listener
from gradcheck.watch.loading import Loading
from gradcheck.watch.loop import LoopChecks
from gradcheck.watch.loss_scale import LossScale
from gradcheck.watch.names import Registry
from gradcheck.watch.optimizers import Optimizers
from gradcheck.watch.takeovers import Takeovers
from gradcheck.watch.targets import Targets
from gradcheck.watch.updates import Updates

if TYPE_CHECKING:
    from gradcheck.watch.changes.base import Change

MANY_SKIPS = 8  # of a loss scaler in a row, before its gradients are looked at


class Probe:
    """Implements the hooks; everything here runs in the script's own thread, between its lines."""

    def __init__(self, listener: Listener, guard: Guard) -> None:
        self.listener = listener
        self.guard = guard
        self.registry = Registry()
        self.optimizers = Optimizers(self.registry)
        self.loading = Loading(listener)
        self.schedulers: weakref.WeakKeyDictionary[LRScheduler, None] = weakref.WeakKeyDictionary()
        self.change: Change | None = None
        """What a trial, or healing, changes in the script."""
        self.loop = LoopChecks()
        self.takeovers = Takeovers()
        self.updates = Updates()
        self.targets = Targets()
        self.buffers = BufferCopies(self.registry)
        self.grads_by_function = 0
        """Calls of autograd.grad on a scalar, which know no optimizer."""
        self.spent = 0.0
        """Seconds inside our hooks."""
        self.begun: float | None = None
        """When the first step ended, on the clock of `spent`."""
        self.loss_tensors: list[Tensor] = []
        """From which backward ran in this step."""
        self._paces: deque[float] = deque(maxlen=25)
        self.ended: float | None = None
        """When the last step ended, on the clock of `begun`."""
        self.scale = LossScale()
        self._losses: list[float] = []
        self._last_loss: str | None = None

    # ---- what the script does

    def ending(self) -> None:
        """The process is about to end without another word."""
        self.listener.on_ending()

    def module_made(self, module: nn.Module) -> None:
        """A module was made."""
        self.registry.add(module)

    def created(self, optimizer: Optimizer) -> None:
        """An optimizer was made."""
        self.optimizers.follow(optimizer)
        self.buffers.keep()
        self.listener.on_created()

    def scheduled(self, scheduler: LRScheduler) -> None:
        """A learning rate schedule was made."""
        self.schedulers[scheduler] = None  # a set would lose the order

    def cleared(self, owner: object) -> None:
        """Gradients are about to be set to zero; what was not applied by now never will be."""
        begun = time.perf_counter()
        self.loop.cleared(self.optimizers.cleared_by(owner))
        if self._losses:
            self._look_before_clearing(owner)
        self.spent += time.perf_counter() - begun

    def before_backward(self, loss: Tensor) -> None:
        """Backward is about to run from a loss."""
        begun = time.perf_counter()
        if self._losses and not self._losses_are_finite() and not self.optimizers.any_gradient():
            self._abandon(next(iter(self.optimizers)))
        self.listener.on_backward(loss)
        self.loss_tensors.append(loss.detach())
        if loss.numel() == 1:
            self._losses.append(self.scale.value(loss))
        if len(self._losses) == 1 < len(self.optimizers):
            self._last_loss = frames.name_of_loss()
        if self.targets.is_due():
            self.targets.look(loss, self.optimizers.next_step(), self.loading.last_indices)
        self.loop.before_backward(self.optimizers, loss, scaled=self.scale.now is not None)
        self.spent += time.perf_counter() - begun

    def differentiated(self, output: Tensor) -> None:
        """autograd.grad was called: a loop of its own where there is no optimizer."""
        if not self.optimizers and output.numel() == 1:
            loss = float(output.detach())
            step = Step(-1, self.grads_by_function, loss, math.nan, (), 0.0)
            self.grads_by_function += 1
            self.listener.on_row(step, {"loss": loss})

    def clipped(self, kind: str, parameters: list[Tensor] | Tensor, norm: Any, to: Any) -> None:
        """Gradients were clipped `to` a limit; `norm` is what they were before."""
        begun = time.perf_counter()
        followed = self.optimizers.owner(parameters)
        if followed is None:
            return
        if isinstance(norm, Tensor) and "norm" in kind:
            followed.clip_norm = float(norm.detach())
        self.loop.clipped(followed, self.scale.now, to, parameters)
        self.spent += time.perf_counter() - begun

    def scaled(self, scaler: Any, raw: Tensor, product: Tensor) -> None:
        """A loss was multiplied by the loss scale."""
        self.scale.scaled(scaler, raw, product)

    def unscaled(self, scaler: Any, optimizer: Optimizer) -> None:
        """Gradients were divided by the loss scale again."""
        self.optimizers.follow(optimizer).unscaled = True

    def before_scaler_step(self, scaler: Any, optimizer: Optimizer) -> None:
        """A scaler is about to take a step, or to skip it."""
        followed = self.optimizers.follow(optimizer)
        followed.scaler = scaler if scaler.is_enabled() else None
        followed.took_step = False

    def after_scaler_step(self, scaler: Any, optimizer: Optimizer) -> None:
        """It took the step, or skipped it because a gradient was not finite."""
        begun = time.perf_counter()
        followed = self.optimizers.follow(optimizer)
        if followed.scaler is not None and not followed.took_step:
            self._measure(followed)  # the scaler divided by its scale in any case
            step = self._step(followed, skipped=True)
            followed.skips += 1
            if not step.loss_is_finite:
                self.listener.on_nonfinite(followed, step)
            elif followed.skips == MANY_SKIPS:
                first = step._replace(step=step.step - MANY_SKIPS + 1)
                self.listener.on_nonfinite(followed, first)
            self._finish(followed, step)
        self.spent += time.perf_counter() - begun

    def before_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> Any:
        """An optimizer is about to update its weights; non-finite gradients are held here."""
        begun = time.perf_counter()
        followed = self.optimizers.follow(optimizer)
        followed.took_step, followed.skips = True, 0
        self.loop.stepping(followed)
        if followed.steps == followed.begun_at:
            self.takeovers.begins(optimizer, followed)
        if self.change is not None:
            self.change.before_step(optimizer)
        if closures.of(args, kwargs) is not None:
            return closures.watched(args, kwargs, lambda: self.guard(self._before_update, followed))
        self._before_update(followed)
        self.spent += time.perf_counter() - begun
        return None

    def after_step(self, optimizer: Optimizer) -> None:
        """The update was made."""
        begun = time.perf_counter()
        followed = self.optimizers.follow(optimizer)
        self.listener.on_update(followed, updating=False)
        self.updates.after(followed)
        step = followed.prepared
        if step is None or followed.withheld or not followed.measured:
            step = self._step(followed, skipped=followed.withheld)
        followed.prepared = None
        self.loop.stepped(optimizer, followed, step)
        self._finish(followed, step)
        self.spent += time.perf_counter() - begun

    # ---- what others ask

    def tell(self, followed: Followed, step: Step) -> None:
        """Write the row of a step now, and not again when it is over."""
        if not followed.told:
            self.listener.on_row(step, self._values(followed, step))
        followed.told = True

    def seconds_a_step(self) -> float:
        """What a step of the loop usually takes, seen over the last ones."""
        return statistics.median(self._paces) if self._paces else 1e-3

    # ---- one step

    def _measure(self, followed: Followed) -> None:
        grads = [grad for p in followed.parameters if (grad := p.grad) is not None]
        followed.norm, followed.layers = tensors.total_norm(grads, half=followed.half)
        followed.measured = bool(grads)
        followed.reached |= followed.measured

    def _before_update(self, followed: Followed) -> None:
        self._measure(followed)
        followed.prepared = step = self._step(followed)
        if not followed.measured:
            if self._losses:  # backward ran, and the script took its gradients away again
                self._dropped(followed, step)
        elif not step.is_finite and self.listener.on_nonfinite(followed, step):
            self.withhold(followed)
        self.updates.before(followed)
        self.listener.on_update(followed, updating=True)

    def _dropped(self, followed: Followed, step: Step) -> None:
        """The script itself guards its weights: look why, and hold nothing."""
        if self.listener.on_nonfinite(followed, step._replace(skipped=True)):
            followed.norm, followed.measured = math.nan, True

    def withhold(self, followed: Followed) -> None:
        """Skip this update: optimizers pass over parameters that have no gradient."""
        followed.withheld = True
        for parameter in followed.parameters:
            parameter.grad = None
        self.buffers.restore()

    def _step(self, followed: Followed, *, skipped: bool = False) -> Step:
        optimizer = self.optimizers.of(followed)
        rate = optimizer.param_groups[0].get("lr", 0.0) if optimizer is not None else 0.0
        losses = self._losses
        several = len(losses) > 1 and self._losses_are_finite()
        return Step(
            followed.place,
            followed.steps,
            (math.fsum(losses) if several else sum(losses)) if losses else None,
            followed.norm,
            tuple(followed.layers),
            float(rate),
            skipped,
            followed.clip_norm,
        )

    def _finish(self, followed: Followed, step: Step) -> None:
        """The step is over: its row goes to the record, and the next one begins."""
        if self.begun is None:
            self.begun = time.perf_counter()
            self.listener.on_first_step()
        self.tell(followed, step)
        followed.told = False
        self.optimizers.remember(followed, step)
        followed.clip_norm, followed.unscaled, followed.withheld = None, False, False
        self._losses.clear()
        self.loss_tensors.clear()
        self.scale.clear()
        self.buffers.keep()
        if followed.place == 0:
            before, self.ended = self.ended, time.perf_counter()
            if before is not None:
                self._paces.append(self.ended - before)
        self.listener.on_boundary(step)

    def _look_before_clearing(self, owner: object) -> None:
        """Are gradients thrown away that nobody should apply? Then this was a step as well."""
        followed = self.optimizers.get(owner) or self.optimizers.only()
        if followed is None:
            return
        kept = followed.norm, followed.layers, followed.measured
        self._measure(followed)
        alone = len(self.optimizers) == 1 and not self._losses_are_finite()
        if alone or not math.isfinite(followed.norm):
            self._abandon(followed)
        else:
            followed.norm, followed.layers, followed.measured = kept

    def _abandon(self, followed: Followed) -> None:
        """The script itself threw a non-finite step away: it counts, and nothing is held."""
        if followed.prepared is not None:  # it is the optimizer that runs its closure again
            return
        step = self._step(followed, skipped=True)
        self.listener.on_nonfinite(followed, step)
        self._finish(followed, step)

    def _losses_are_finite(self) -> bool:
        return all(map(math.isfinite, self._losses))

    def _values(self, followed: Followed, step: Step) -> dict[str, float]:
        self.optimizers.name_loss(followed, self._last_loss)
        if followed.scalars is None:
            followed.scalars = scalars.find(followed, self.optimizers.names)
        several, ratio = len(self.optimizers) > 1, self.updates.of(step)
        beside = rows.Beside(several, self.scale.now, ratio, self.loading.batch)
        return rows.row(followed, step, beside)
