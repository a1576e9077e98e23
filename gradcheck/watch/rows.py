"""The row of the record that a step amounts to: its names and numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from gradcheck.watch import scalars
from gradcheck.watch.followed import Batch, Followed, Step


class Beside(NamedTuple):
    """What is written down beside the step itself."""

    several: bool
    """Whether there are other optimizers: then each has a prefix."""
    scale: float | None
    ratio: tuple[float, float] | None
    """Length of the update to that of the weights, and the latter, where they were measured."""
    batch: Batch | None


def row(followed: Followed, step: Step, beside: Beside) -> dict[str, float]:
    """All numbers of a step, by name."""
    values = _of_step(followed, step, several=beside.several, scale=beside.scale)
    if beside.ratio is not None:
        values["update_to_weight_ratio"], values["weight_norm"] = beside.ratio
    if beside.batch is not None:
        _add_batch(values, beside.batch)
    if followed.scalars:
        values.update(scalars.values(followed.scalars))
    return values


_OF_ONE = re.compile(r"(?:loss/optimizer_(\d+)|optimizer_(\d+)/grad_norm)")


def place_of(series: str, losses: Mapping[str, int]) -> int | None:
    """The optimizer whose loss or gradient norm a series is; None where it is neither.

    `losses`: the place of the optimizer by the name of its loss.
    """
    if series in ("loss", "grad_norm"):
        return 0
    of_one = _OF_ONE.fullmatch(series)
    if of_one is not None:
        return int(of_one[1] or of_one[2])
    return losses.get(series.removeprefix("loss/")) if series.startswith("loss/") else None


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


def _add_batch(values: dict[str, float], batch: Batch) -> None:
    """Range of inputs and targets, and how many of them are not finite."""
    for name, found in (("input", batch.inputs), ("target", batch.targets)):
        if found is not None:
            values[f"batch/{name}_min"] = found.low
            values[f"batch/{name}_max"] = found.high
            values[f"batch/{name}_nonfinite_count"] = float(found.nonfinite)
