"""A record made by hand, with all that a training may log."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.faults.presentation import NAMES, Presentation
from tests.faults.record import Column, Record


def record(
    rows: int = 120, *, steps: Sequence[int] | None = None, nan_at: int | None = None
) -> Record:
    """A loss that falls, with everything else beside it; a validation every 20 rows."""
    random = np.random.default_rng(0)
    at = np.arange(rows)
    loss: Column = 0.4 + 2.0 * np.exp(-at / 40) + 0.02 * random.standard_normal(rows)
    norm: Column = 1.0 + random.uniform(0, 0.3, rows)
    if nan_at is not None:
        loss[nan_at], norm[nan_at] = np.nan, np.inf
    often = np.ones(rows, dtype=bool)
    seldom = at % 20 == 19
    columns: dict[str, Column] = {
        "loss": loss,
        "grad_norm": norm,
        "clipped_grad_norm": np.minimum(norm, 0.5),
        "rate": 1e-3 * (1 - at / (2 * rows)),
        "scale": np.where(at < 50, 65536.0, 32768.0),
        "epoch": at / 40,
        "validation": np.where(seldom, loss + 0.1, np.nan),
        "losses/kl_loss": loss / 8,
        "layers/body.0.weight": norm * 0.8,
        "layers/head.bias": norm * 0.3,
        "extra/weight_norm": 12 + at / 100,
    }
    logged = dict.fromkeys(columns, often) | {"validation": seldom}
    settings = {"learning_rate": 1e-3, "optimizer": "adam", "batch_size": 32}
    step = np.array(at if steps is None else steps, dtype=np.int64)
    return Record("made_up", 0, "healthy", None, None, None, (), settings, None, step, columns,
                  logged, {})  # fmt: skip


def presentation(style: str = "csv", **changes: object) -> Presentation:
    """A plain way of logging: every row, all digits, from 0."""
    plain: dict[str, object] = {
        "style": style, "cadence": 1, "offset": 0, "smoothing": "none", "hides_nan": False,
        "clipped_norm": False, "layers": True, "epoch": True, "digits": None,
        "names": NAMES[style][0], "layer_prefix": "grad_norm/", "template": 0,
    }  # fmt: skip
    return Presentation(**(plain | changes))  # type: ignore[arg-type]
