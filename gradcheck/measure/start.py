"""The start of a run: values out of all proportion on the first row, a jump of the first rows."""

from __future__ import annotations

from gradcheck.measure.robust import noise
from gradcheck.model import FloatArray

EARLY_ROWS = 10
HUGE_LOSS = 200.0
"""No cross-entropy of sane logits and no squared error of standardised targets starts here."""
HUGE_NORM = 1e3
HUMP, HUMP_SIGMAS = 1.3, 10.0


def hump_rows(values: FloatArray) -> int:
    """How many rows a jump of the first rows and its way back take, 0 where there is none.

    `values` are finite. The jump stands out of the first value and of the noise of the rows that
    follow the hump.
    """
    rows = max(3, len(values) // 10)
    height = float(values[:rows].max()) - float(values[0])
    least = max((HUMP - 1) * abs(float(values[0])), HUMP_SIGMAS * noise(values[2 * rows :]))
    return rows if height > least else 0
