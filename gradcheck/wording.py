"""Numbers as people write them in a sentence."""

from __future__ import annotations

import math


def number(value: float) -> str:
    """Three significant digits: 0.0421, 1250, 3.1e+08, nan."""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e5 or size < 1e-3:
        return f"{value:.2e}".replace("e+0", "e+").replace("e-0", "e-").replace(".00e", "e")
    digits = max(0, 2 - math.floor(math.log10(size)))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def factor(value: float) -> str:
    """A ratio: ×3.9, ×1.2e+08."""
    return f"×{number(float(f'{value:.2g}'))}" if math.isfinite(value) else "×inf"


def count(amount: int, noun: str) -> str:
    """An amount with its noun: 1 row, 3 rows, 2 losses."""
    ending = "es" if noun.endswith(("s", "sh")) else "s"
    return f"{amount} {noun}{'' if amount == 1 else ending}"
