"""Whether a log shows at all that something went wrong: what a person would see in its plots.

A fault whose only bad row lies between two logged ones, or that costs a run a little of its final
loss, is there by construction and still not in the log. The rules are coarse and know nothing of
gradcheck's own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from tests.faults.presentation import Logged, Presentation
from tests.faults.record import Column

LOSS_JUMP, NORM_JUMP = 3.0, 10.0
"""A row over the largest of the rows before it."""
RECENT = 30
ENORMOUS = 200.0
NOT_LEARNED, LOST = 0.9, 1.5
"""End over start; end over the best level on the way."""
GROWN = 4.0
"""End over start of a loss that need not fall."""
STILL_FALLING = 0.15
"""Share of all its fall that a negative loss makes in its last fifth."""


def is_visible(
    shown: Presentation, series: Sequence[Logged], *, falls: bool, extras: Collection[str] = ()
) -> bool:
    """Whether any loss, or the gradient norm, looks wrong.

    `falls` says that the loss is one that must fall; those of a game or a policy need not.
    `extras` names the series that are neither: a weight norm that does not fall is no sign.
    """
    not_losses = {shown.names[k] for k in ("rate", "grad_norm", "scale", "epoch")}
    not_losses |= set(extras)
    losses = [s for s in series if s.name not in not_losses and "/" not in _own(shown, s.name)]
    norms = [s for s in series if s.name == shown.names["grad_norm"]]
    return any(_loss_is_odd(one.value, falls) for one in losses) or any(
        _norm_is_odd(one.value) for one in norms
    )


def _own(shown: Presentation, name: str) -> str:
    """The name, unless it is a layer's: those are no losses."""
    return "/" if name.startswith(shown.layer_prefix) else name.replace("/", "")


def _loss_is_odd(values: Column, falls: bool) -> bool:
    if not np.isfinite(values).all() or len(values) < 3:
        return not np.isfinite(values).all()
    levels = np.array([np.median(part) for part in np.array_split(values, min(10, len(values)))])
    start, end = float(np.median(values[:3])), float(levels[-1])
    if end < 0 and start > end:
        fall = float(levels[0] - levels[-1])
        return float(levels[-3] - levels[-1]) > STILL_FALLING * fall
    unlearned = end >= NOT_LEARNED * start or end > LOST * float(levels.min())
    grown = end > GROWN * max(abs(start), 0.1)
    return (unlearned if falls else grown) or abs(start) > ENORMOUS or _jumps(values, LOSS_JUMP)


def _norm_is_odd(values: Column) -> bool:
    return not np.isfinite(values).all() or _jumps(values, NORM_JUMP)


def _jumps(values: Column, factor: float) -> bool:
    size = np.abs(values)
    return any(
        size[row] > factor * size[max(0, row - RECENT) : row].max() for row in range(3, len(size))
    )
