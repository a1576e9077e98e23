"""Puts the values of a report into words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

import numpy as np

from gradcheck.model import HEALTHY, INCONCLUSIVE, Event, Evidence, Role, Run, RunReport, Where
from gradcheck.reports.escape import shorten
from gradcheck.wording import count

_NONFINITE = "nonfinite_"
LONGEST_SAYING = 80

MOST_SAMPLES = 8


def words(identifier: str) -> str:
    """`learning_rate_too_high` as a reader would say it."""
    return identifier.replace("_", " ")


def percent(confidence: float) -> str:
    """A probability; never 100%, since a log alone cannot make it certain."""
    return f"{min(round(100 * confidence), 99)}%"


def steps(first: int | None, last: int | None) -> str:
    """`step 412` or `steps 392-412`; empty where no step is known."""
    if first is None:
        return "" if last is None else f"step {last}"
    return f"step {first}" if last in (None, first) else f"steps {first}-{last}"


def window(evidence: Evidence) -> str:
    """The steps of a piece of evidence; empty where its sentence names them itself."""
    bounds = {evidence.first_step, evidence.last_step} - {None}
    if all(re.search(rf"(?<![\d.]){bound}(?!\d|\.\d)", evidence.statement) for bound in bounds):
        return ""
    return steps(evidence.first_step, evidence.last_step)


def status(report: RunReport) -> str:
    """One word for how a run stands."""
    sound = report.verdict == HEALTHY
    if sound and not report.regressions:
        return "healthy"
    if report.open_severity is None:
        return "accepted" if report.findings else "healthy"
    if sound:
        return "regressed" if any(not one.accepted for one in report.regressions) else "accepted"
    return {"failure": "failed"}.get(report.open_severity.value, report.open_severity.value)


def judgement(report: RunReport) -> str:
    """The cause with its family and probability, or that it is not clear."""
    if report.verdict == HEALTHY and report.regressions:
        return "worse than the good runs"
    if not report.diagnoses:
        return "cause not clear" if report.verdict == INCONCLUSIVE else words(report.verdict)
    best = report.diagnoses[0]
    if report.verdict == INCONCLUSIVE:
        return f"cause not clear, most probable {words(best.cause)}, {percent(best.confidence)}"
    return f"{words(best.cause)} ({words(best.family.value)}), {percent(best.confidence)} sure"


def what_happened(report: RunReport) -> str:
    """The gravest event: the earliest of its kind, with how often that kind occurred."""
    if report.verdict == HEALTHY and report.regressions:
        return ", ".join(words(one.check.value) for one in report.regressions)
    first = gravest(report)
    if first is None:
        return ""
    alike = [e for e in report.events if e.kind is first.kind and e.severity is first.severity]
    return _happening(alike)


def gravest(report: RunReport) -> Event | None:
    """The first of the gravest events; None where nothing happened."""
    grave = [event for event in report.events if event.severity is report.severity]
    loss = report.run.primary.get(Role.LOSS)
    # Of several in one row, readers look for the loss first.
    return min(grave, key=lambda event: (event.order, event.series != loss), default=None)


def happenings(events: Iterable[Event]) -> list[str]:
    """One clause for each kind of event, in order of appearance."""
    kinds: dict[str, list[Event]] = {}
    for event in events:
        kinds.setdefault(event.kind.value, []).append(event)
    return [_happening(group) for group in kinds.values()]


def _happening(events: Sequence[Event]) -> str:
    first, recovered = events[0], all(event.recovered for event in events)
    ending = ", recovered" if recovered else ""
    if len(events) > 1:
        start = "" if first.step is None else f", first at step {first.step}"
        return f"{count(len(events), _kind(first))}{start}{ending}"
    said = f" ({shorten(first.text, LONGEST_SAYING)})" if first.text else ""
    return f"{_kind(first)}{_when(first)}{ending}{said}"


def _kind(event: Event) -> str:
    kind = event.kind.value
    if not kind.startswith(_NONFINITE):
        return words(kind)
    value = event.value
    adjective = (
        "non-finite"
        if value is None or math.isfinite(value)
        else "NaN"
        if math.isnan(value)
        else "infinite"
    )
    return f"{adjective} {words(kind.removeprefix(_NONFINITE))}"


def _when(event: Event) -> str:
    if event.step is None:
        return ""
    if event.last_step in (None, event.step):
        return f" at step {event.step}"
    if event.recovered:
        return f" at {steps(event.step, event.last_step)}"
    return f" from step {event.step} on"


def extent(run: Run) -> str:
    """The steps of a run and how far its loss came: `steps 0-999, loss 2.31 -> 0.42`."""
    parts = [steps(run.first_step, run.last_step)]
    loss = run.get(Role.LOSS)
    if loss is not None:
        finite = loss.value[np.isfinite(loss.value)]
        if len(finite):
            parts.append(f"loss {number(finite[0])} -> {number(finite[-1])}")
    return ", ".join(part for part in parts if part)


def number(value: float) -> str:
    """About three digits, and never more than eight characters: 0.416, 44531, -1.1e-05."""
    text = f"{float(value):.3g}"
    if "e" not in text:
        return text
    return f"{value:.0f}" if 1 <= abs(value) < 1e5 else f"{value:.1e}".replace(".0e", "e")


def place(where: Where) -> str:
    """`phase: forward, at train.py:24, sample 301 of the data set`: where a fault is."""
    at = f"at {where.file}:{where.line}" if where.file and where.line else ""
    module = f"in {where.module}" if where.module else ""
    samples = [str(sample) for sample in (where.samples or ())[:MOST_SAMPLES]]
    more = len(where.samples or ()) - len(samples)
    if samples:
        listed = ", ".join(samples) + (f" and {more} more" if more > 0 else "")
        samples = [f"{'sample' if len(samples) == 1 else 'samples'} {listed} of the data set"]
    rank = [f"rank {where.rank}"] if where.rank is not None else []
    parts = [f"phase: {where.phase}", module, at, *samples, *rank]
    return ", ".join(part for part in parts if part)
