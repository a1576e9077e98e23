"""What a reader hands back; importing it costs a measured process nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Columns = Iterable[tuple[Any, Any]]
"""The steps and the values of one series after the other, as anything that numpy converts."""
