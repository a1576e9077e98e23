"""The live line on stderr: step, loss, gradient norm, rate, and what watching costs."""

from __future__ import annotations

import math
import os
import shutil
import sys
import time
from collections import deque
from typing import Protocol

from gradcheck.watch.followed import Step
from gradcheck.wording import number

EVERY = 0.25
"""Seconds between two drawings."""
_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 24


class Costed(Protocol):
    """Who knows what watching costs."""

    @property
    def cost(self) -> float | None: ...


class Display:
    """One line that is drawn over itself; nothing where stderr is no terminal."""

    def __init__(self, session: Costed) -> None:
        self._session = session
        self._shown = False
        self._next = 0.0
        self._losses: deque[float] = deque(maxlen=_WIDTH)
        self._owner = os.getpid()
        self._on = _is_terminal()

    def step(self, step: Step) -> None:
        """Draw the step, if it is time to."""
        if not self._on or step.optimizer > 0:
            return
        now = time.monotonic()
        if now < self._next or os.getpid() != self._owner:
            return
        self._next = now + EVERY
        if step.loss is not None:
            self._losses.append(step.loss)
        cost = self._session.cost
        parts = [
            f"step {step.step}",
            f"loss {number(step.loss)}" if step.loss is not None else "",
            f"grad {number(step.gradient)}",
            f"lr {number(step.rate)}",
            f"watching {cost:.1%}" if cost is not None else "",
            sparkline(list(self._losses)),
        ]
        text = "  ".join(part for part in parts if part)
        width = shutil.get_terminal_size().columns
        sys.stderr.write(f"\r\x1b[2K{text[: width - 1]}")
        sys.stderr.flush()
        self._shown = True

    def clear(self) -> None:
        """Take the line away, so that something else can be written."""
        if self._shown and os.getpid() == self._owner:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._shown = False

    def close(self) -> None:
        """The run is over."""
        self.clear()
        self._on = False


def sparkline(values: list[float]) -> str:
    """A small plot of the last values; what is not finite is a cross."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return "×" * len(values)
    low, span = min(finite) / 4, max(finite) / 4 - min(finite) / 4  # which cannot overflow
    return "".join(
        "×" if not math.isfinite(v) else _BARS[int((v / 4 - low) / span * 7) if span > 0 else 0]
        for v in values
    )


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False
