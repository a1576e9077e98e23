"""The names that settings may speak of: causes, kinds of event, checks against a baseline."""

from __future__ import annotations

import functools
import math


@functools.cache
def causes() -> tuple[str, ...]:
    """The ids of the causes, in alphabetical order."""
    from gradcheck import weight_table  # noqa: PLC0415 - imports every cause, which takes time

    return tuple(sorted(weight_table.causes()))


@functools.cache
def events() -> tuple[str, ...]:
    """The kinds of event."""
    from gradcheck.model import Kind  # noqa: PLC0415 - numpy, which `--help` must not pay for

    return tuple(kind.value for kind in Kind)


@functools.cache
def checks() -> tuple[str, ...]:
    """What is compared with a baseline."""
    from gradcheck.model import Check  # noqa: PLC0415

    return tuple(check.value for check in Check)


@functools.cache
def least_ratios() -> dict[str, float]:
    """By kind of spike, the smallest rise over the level before that a detector reports at all."""
    from gradcheck.measure.excursions import GRADIENT, LOSS  # noqa: PLC0415
    from gradcheck.model import Kind  # noqa: PLC0415

    found = {Kind.GRADIENT_SPIKE.value: GRADIENT, Kind.LOSS_SPIKE.value: LOSS}
    return {kind: round(math.exp(s.least_log), 6) for kind, s in found.items()}
