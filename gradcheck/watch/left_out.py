"""Notices parameters that no optimizer updates, and optimizers whose parameters nothing reaches."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck.model import Observation
from gradcheck.watch.probe import Probe


def observations(probe: Probe) -> Iterator[Observation]:
    """Parameters that have a gradient and no optimizer, or an optimizer and never a gradient."""
    updated = {id(p) for _, followed in probe.optimizers.items() for p in followed.parameters}
    held = probe.optimizers.names.parameters()
    lost = [n for n, p in held.items() if p.grad is not None and id(p) not in updated]
    stepped = [followed for followed in probe.optimizers if followed.steps > followed.begun_at]
    if lost and len(lost) >= 0.3 * len(held):
        yield Observation(
            "parameters_left_out",
            f"{len(lost)} of {len(held)} parameters get gradients, but no optimizer updates them "
            f"({lost[0]}, …)",
            None,
        )
    elif stepped and not any(followed.reached for followed in stepped):
        yield Observation(
            "parameters_left_out",
            "none of the parameters that the optimizer updates ever got a gradient",
            None,
        )
