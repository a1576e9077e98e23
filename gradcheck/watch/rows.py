"""The row of the record that a step amounts to: its names and numbers."""

from __future__ import annotations

from dataclasses import dataclass

from gradcheck.watch import scalars
from gradcheck.watch.followed import Batch, Followed, Step
from gradcheck.watch.names import Names
from gradcheck.watch.updates import Updates


@dataclass(frozen=True)
class Beside:
    """What is written down beside the step itself."""

    several: bool
    """Whether there are other optimizers: then each has a prefix."""
    scale: float | None
    updates: Updates
    batch: Batch | None
    names: Names


def row(followed: Followed, step: Step, beside: Beside) -> dict[str, float]:
    """All numbers of a step, by name."""
    values = _of_step(followed, step, several=beside.several, scale=beside.scale)
    _add_updates(values, beside.updates, step)
    _add_batch(values, beside.batch)
    return values | scalars.values(followed, beside.names)


def _of_step(
    followed: Followed, step: Step, *, several: bool, scale: float | None
) -> dict[str, float]:
    """Loss, gradient norms, rate and loss scale."""
    prefix = f"optimizer_{followed.place}/" if several else ""
    values: dict[str, float] = {}
    if step.loss is not None:
        name = f"loss/{followed.loss_name or f'optimizer_{followed.place}'}"
        values[name if several else "loss"] = step.loss
    if step.unclipped is not None:
        values[f"{prefix}grad_norm"] = step.unclipped
        values[f"{prefix}clipped_grad_norm"] = step.norm
    elif followed.measured:
        values[f"{prefix}grad_norm"] = step.norm
    values[f"{prefix}learning_rate"] = step.rate
    if scale is None and followed.scaler is not None:
        scale = float(followed.scaler.get_scale())
    if followed.scaler is not None and scale is not None:
        values["loss_scale"] = scale
        values["skipped_steps"] = float(step.skipped)
    return values


def _add_updates(values: dict[str, float], updates: Updates, step: Step) -> None:
    """Length of the update and of the weights, where this step was measured."""
    measured = updates.ratios[-1] if updates.ratios and not step.optimizer else None
    if measured is not None and measured[0] == step.step:
        values["update_to_weight_ratio"] = measured[1]
        values["weight_norm"] = updates.weight_norm or 0.0


def _add_batch(values: dict[str, float], batch: Batch | None) -> None:
    """Range of inputs and targets, and how many of them are not finite."""
    if batch is None:
        return
    for name, found in (("input", batch.inputs), ("target", batch.targets)):
        if found is not None:
            values[f"batch/{name}_min"] = found.low
            values[f"batch/{name}_max"] = found.high
            values[f"batch/{name}_nonfinite_count"] = float(found.nonfinite)
