"""The random number generators that a script may use: their states, taken and put back."""

# mypy: allow-untyped-calls
from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from typing import Any

import torch


def generators() -> dict[str, Any]:
    """The states of all of them."""
    found: dict[str, Any] = {"torch": torch.get_rng_state(), "python": random.getstate()}
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        found["cuda"] = torch.cuda.get_rng_state_all()
    numpy = _numpy()
    if numpy is not None:
        found["numpy"] = numpy.random.get_state()
    return found


def set_generators(kept: Mapping[str, Any]) -> None:
    """Put the generators back."""
    torch.set_rng_state(kept["torch"])
    random.setstate(kept["python"])
    if "cuda" in kept:
        torch.cuda.set_rng_state_all(kept["cuda"])
    numpy = _numpy()
    if "numpy" in kept and numpy is not None:
        numpy.random.set_state(kept["numpy"])


def _numpy() -> Any:
    return sys.modules.get("numpy")
