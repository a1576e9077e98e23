"""Makes events of measured stretches of a series."""

from __future__ import annotations

from gradcheck.measure.excursions import Excursion
from gradcheck.model import Event, IntArray, Kind, Series, Severity

BEYOND_REASON = 1e12
"""Growth of a gradient beside an ordinary loss that no formula explains, and a flipped bit does."""


def stretch_event(
    kind: Kind, severity: Severity, series: Series, rows: tuple[int, int], *, recovered: bool
) -> Event:
    """The event of the rows from the first to the last of `rows`, with the first one's value."""
    first, last = rows
    return Event(
        kind=kind,
        severity=severity,
        series=series.name,
        step=int(series.step[first]),
        last_step=int(series.step[last]),
        recovered=recovered,
        order=int(series.order[first]),
        value=float(series.value[first]),
    )


def spike_event(kind: Kind, series: Series, rows: IntArray, excursion: Excursion) -> Event:
    """The event of an excursion among the finite `rows` of a series, with the peak's value."""
    first, last, peak = (int(rows[i]) for i in (excursion.first, excursion.last, excursion.peak))
    return Event(
        kind=kind,
        severity=Severity.SPIKE,
        series=series.name,
        step=int(series.step[first]),
        last_step=int(series.step[last]),
        recovered=excursion.recovered,
        order=int(series.order[first]),
        value=float(series.value[peak]),
        ratio=_ratio(float(series.value[peak]), excursion.centre),
    )


def _ratio(peak: float, usual: float) -> float | None:
    return peak / usual if peak > 0 and usual > 0 else None


def came_back(series: Series, first: int, last: int, tail: int = 3) -> bool:
    """Whether rows after `last` show that the series is past it."""
    return last + tail < len(series) or (last + 1 < len(series) and first > 0)


def is_beyond_reason(spike: Event) -> bool:
    """Whether a gradient spiked higher than backward makes it of any loss that is as usual."""
    if spike.kind is not Kind.GRADIENT_SPIKE or spike.value is None or spike.ratio is None:
        return False
    return min(spike.ratio, spike.value) >= BEYOND_REASON
