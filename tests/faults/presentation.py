"""How a training looks in a log: what is logged, how often, under which names, how smoothed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tests.faults.draw import Draw
from tests.faults.record import Column, Record

LEVELS = ("loss", "rate", "norm", "full")
"""What a log holds: the losses; the learning rate too; the gradient norm too; all else too."""
STYLES = ("tensorboard", "csv", "lightning", "huggingface", "jsonl", "console")
LEAST_ROWS = 25


@dataclass(frozen=True)
class Logged:
    """One series of a log."""

    name: str
    row: np.ndarray[tuple[int], np.dtype[np.int64]]
    """Of the record: a resumed run has a step twice."""
    step: np.ndarray[tuple[int], np.dtype[np.int64]]
    value: Column


@dataclass(frozen=True)
class Presentation:
    """One author's way of logging; the same for every level of detail."""

    style: str
    cadence: int
    offset: int
    """What the author calls the first step."""
    smoothing: str
    """none, window (the mean since the last row) or ema."""
    hides_nan: bool
    """Whether the logger replaces a NaN loss, as Hugging Face's Trainer does by default."""
    clipped_norm: bool
    """Whether the norm is measured after clipping, under the plain name."""
    layers: bool
    epoch: bool
    digits: int | None
    """Decimals of a loss; None for all."""
    names: dict[str, str]
    layer_prefix: str
    template: int
    """Which of the writer's layouts."""


NAMES: dict[str, tuple[dict[str, str], ...]] = {
    "tensorboard": (
        {"loss": "train/loss", "rate": "train/lr", "grad_norm": "train/grad_norm",
         "scale": "train/loss_scale", "validation": "val/loss", "epoch": "epoch"},
        {"loss": "Loss/train", "rate": "LR", "grad_norm": "Gradients/norm",
         "scale": "AMP/scale", "validation": "Loss/val", "epoch": "Epoch"},
        {"loss": "loss", "rate": "learning_rate", "grad_norm": "gradient_norm",
         "scale": "loss_scale", "validation": "val_loss", "epoch": "epoch"},
        {"loss": "training/total_loss", "rate": "optim/learning_rate",
         "grad_norm": "optim/total_grad_norm", "scale": "optim/grad_scale",
         "validation": "validation/total_loss", "epoch": "training/epoch"},
    ),
    "csv": (
        {"loss": "loss", "rate": "lr", "grad_norm": "grad_norm", "scale": "loss_scale",
         "validation": "val_loss", "epoch": "epoch"},
        {"loss": "train_loss", "rate": "learning_rate", "grad_norm": "gnorm", "scale": "scale",
         "validation": "valid_loss", "epoch": "epoch"},
        {"loss": "TrainLoss", "rate": "LearningRate", "grad_norm": "GradNorm",
         "scale": "LossScale", "validation": "ValLoss", "epoch": "Epoch"},
    ),
    "lightning": (
        {"loss": "train_loss", "rate": "lr-AdamW", "grad_norm": "grad_2.0_norm_total",
         "scale": "loss_scale", "validation": "val_loss", "epoch": "epoch"},
        {"loss": "train/loss_step", "rate": "lr-SGD", "grad_norm": "train/grad_norm",
         "scale": "scaler_scale", "validation": "val/loss", "epoch": "epoch"},
    ),
    "huggingface": (
        {"loss": "loss", "rate": "learning_rate", "grad_norm": "grad_norm",
         "scale": "loss_scale", "validation": "eval_loss", "epoch": "epoch"},
    ),
    "jsonl": (
        {"loss": "train_loss", "rate": "lr", "grad_norm": "grad_norm", "scale": "loss_scale",
         "validation": "val_loss", "epoch": "epoch"},
        {"loss": "train/loss", "rate": "train/learning_rate", "grad_norm": "train/grad_norm",
         "scale": "train/loss_scale", "validation": "eval/loss", "epoch": "train/epoch"},
    ),
    "console": (
        {"loss": "loss", "rate": "lr", "grad_norm": "grad_norm", "scale": "scale",
         "validation": "val_loss", "epoch": "epoch"},
        {"loss": "train_loss", "rate": "lr", "grad_norm": "gnorm", "scale": "loss_scale",
         "validation": "valid_loss", "epoch": "epoch"},
    ),
}  # fmt: skip
LAYER_PREFIXES = ("grad_norm/", "gradients/", "grads/", "grad_2.0_norm/", "train/grad_norm/")


def presentation_of(record: Record, console: bool = False) -> Presentation:
    """One way of logging a record, the same each time."""
    draw = Draw(record.recipe, record.variant, "presentation")
    style = "console" if console else draw.one_of(*STYLES)
    cadence = draw.one_of(1, 1, 1, 2, 5, 10) if not console else draw.one_of(1, 1, 2)
    while cadence > 1 and len(record.step) // cadence < LEAST_ROWS:
        cadence //= 2
    smoothing = draw.one_of("none", "none", "none", "none", "window", "ema")
    hides = draw.maybe(0.5) and style == "huggingface"
    return Presentation(
        style=style,
        cadence=max(1, cadence),
        offset=draw.one_of(0, 0, 1),
        smoothing="window" if style == "huggingface" else smoothing,
        hides_nan=hides,
        clipped_norm=draw.maybe(0.15) and "clipped_grad_norm" in record.columns,
        layers=draw.maybe(0.6),
        epoch=draw.maybe(0.6) or "epoch" in record.recipe,
        digits=4 if style == "huggingface" else draw.one_of(None, None, 4, 6),
        names=draw.one_of(*NAMES[style]),
        layer_prefix=draw.one_of(*LAYER_PREFIXES),
        template=draw.integer(0, 99),
    )


def series_of(record: Record, shown: Presentation, level: str) -> Iterator[Logged]:
    """The series of a log of this level."""
    wanted = ["loss", "validation"] + (["epoch"] if shown.epoch else [])
    detail = LEVELS.index(level)
    wanted += ["rate"] if detail >= 1 else []
    wanted += ["grad_norm"] if detail >= 2 else []
    wanted += ["scale"] if detail >= 3 else []
    rows = logged_rows(record, shown)
    for column in wanted:
        if column in record.columns:
            yield from _one(record, shown, column, shown.names[column], rows)
    for column in record.columns:
        group, _, name = column.partition("/")
        if group == "losses":
            yield from _one(record, shown, column, name, rows)
        elif group == "layers" and detail >= 3 and shown.layers:
            yield from _one(record, shown, column, shown.layer_prefix + name, rows)
        elif group == "extra" and detail >= 3:
            yield from _one(record, shown, column, name, rows)


def logged_rows(record: Record, shown: Presentation) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The rows of a record that a log of this cadence has."""
    return np.arange(shown.cadence - 1, len(record.step), shown.cadence)


def _one(
    record: Record,
    shown: Presentation,
    column: str,
    name: str,
    rows: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> Iterator[Logged]:
    values = record.columns[column]
    if column == "grad_norm" and shown.clipped_norm:
        values = record.columns["clipped_grad_norm"]
    if column == "loss" or column.startswith("losses/"):
        values = _smoothed(values, shown)
        if shown.digits is not None:
            values = np.round(values, shown.digits)
    logged = record.logged[column]
    # a validation is written when it happens, whatever the cadence of the training rows
    kept = np.flatnonzero(logged) if column == "validation" else rows[logged[rows]]
    if len(kept):
        yield Logged(name, kept, record.step[kept] + shown.offset, values[kept])


def _smoothed(values: Column, shown: Presentation) -> Column:
    if shown.hides_nan:
        return _window_without_nan(values, shown.cadence)
    if shown.smoothing == "window" and shown.cadence > 1:
        return np.array(
            [values[max(0, i + 1 - shown.cadence) : i + 1].mean() for i in range(len(values))]
        )
    if shown.smoothing == "ema":
        out = values.copy()
        for row in range(1, len(out)):
            out[row] = 0.9 * out[row - 1] + 0.1 * values[row]
        return out
    return values


def _window_without_nan(values: Column, cadence: int) -> Column:
    """A NaN step adds the mean of the window so far, as logging_nan_inf_filter does."""
    out = np.zeros(len(values))
    for last in range(len(values)):
        total = 0.0
        window = values[max(0, last + 1 - cadence) : last + 1]
        for place, value in enumerate(window):
            total += value if np.isfinite(value) else total / (1 + place)
        out[last] = total / len(window)
    return out
