"""The training loop around which most recipes break one thing; each step yields its row."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tests.faults.lab import Lab
from tests.faults.recipe import Row
from tests.faults.tasks import Task

Batch = tuple[Tensor, Tensor]


@dataclass
class Loop:
    """What a recipe may change of the loop; the defaults are a sound one."""

    steps: int | None = None
    """Optimizer steps; the lab's by default."""
    clip: float | None = None
    """Maximum of the global gradient norm."""
    schedule: Callable[[int], float] | None = None
    """Factor on the optimizer's initial learning rate at a step."""
    scaler: torch.amp.GradScaler | None = None
    precision: torch.dtype | None = None
    """The dtype of autocast around model and loss."""
    batch: Callable[[int, Tensor, Tensor, Tensor], Batch] | None = None
    """(step, inputs, targets, sample indices) -> what the model gets; copy before you change."""
    loss: Callable[[Tensor, Tensor, int], Tensor] | None = None
    """(output, targets, step) -> loss, instead of the task's."""
    zero_grad: bool = True
    after_backward: Callable[[int], None] | None = None
    """Before the norm is measured and clipped."""
    before_step: Callable[[int], None] | None = None
    """After clipping."""
    after_step: Callable[[int], None] | None = None
    extra: Callable[[int], Mapping[str, float]] | None = None
    """More to log at a step."""
    validate_every: int | None = None
    validate: Callable[[], float] | None = None
    """Validation loss; by default the loss over the first 128 samples, in evaluation mode."""


def grad_norms(model: nn.Module) -> tuple[float, dict[str, float]]:
    """The global gradient norm and that of each parameter."""
    named = [(name, p.grad) for name, p in model.named_parameters() if p.grad is not None]
    if not named:
        return 0.0, {}
    norms = torch.stack(torch._foreach_norm([grad for _, grad in named]))
    total = torch.linalg.vector_norm(norms)
    return float(total), dict(zip((name for name, _ in named), norms.tolist(), strict=True))


def train(
    lab: Lab, task: Task, optimizer: torch.optim.Optimizer, loop: Loop | None = None
) -> Iterator[Row]:
    """Train `task` and yield a row a step."""
    loop = loop or Loop()
    model = task.model.train()
    bases = [group["lr"] for group in optimizer.param_groups]
    if loop.clip is not None:
        lab.settings["max_grad_norm"] = loop.clip
    for step, epoch, indices in lab.batches(len(task), loop.steps):
        x, y = task.inputs[indices], task.targets[indices]
        if loop.batch is not None:
            x, y = loop.batch(step, x, y, indices)
        if loop.schedule is not None:
            for group, base in zip(optimizer.param_groups, bases, strict=True):
                group["lr"] = base * loop.schedule(step)
        loss = _loss(task, loop, x, y, step)
        if loop.zero_grad:
            optimizer.zero_grad(set_to_none=True)
        (loss if loop.scaler is None else loop.scaler.scale(loss)).backward()
        if loop.scaler is not None:
            loop.scaler.unscale_(optimizer)
        if loop.after_backward is not None:
            loop.after_backward(step)
        norm, layers = grad_norms(model)
        if loop.clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), loop.clip)
        if loop.before_step is not None:
            loop.before_step(step)
        _update(optimizer, loop.scaler)
        if loop.after_step is not None:
            loop.after_step(step)
        yield Row(
            step,
            float(loss.detach()),
            norm,
            None if loop.clip is None else min(norm, loop.clip),
            optimizer.param_groups[0]["lr"],
            None if loop.scaler is None else float(loop.scaler.get_scale()),
            epoch,
            _validation(task, loop, step),
            layers=layers,
            extra=loop.extra(step) if loop.extra is not None else {},
        )


def _loss(task: Task, loop: Loop, x: Tensor, y: Tensor, step: int) -> Tensor:
    with torch.autocast("cpu", loop.precision, enabled=loop.precision is not None):
        output = task.model(x)
        if loop.precision is not None:
            output = output.float()
        return loop.loss(output, y, step) if loop.loss is not None else task.loss(output, y)


def _update(optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler | None) -> None:
    if scaler is None:
        optimizer.step()
    else:
        scaler.step(optimizer)
        scaler.update()


def _validation(task: Task, loop: Loop, step: int) -> float | None:
    if not loop.validate_every or (step + 1) % loop.validate_every:
        return None
    if loop.validate is not None:
        return loop.validate()
    task.model.eval()
    with torch.no_grad():
        value = float(task.loss(task.model(task.inputs[:128]), task.targets[:128]))
    task.model.train()
    return value
