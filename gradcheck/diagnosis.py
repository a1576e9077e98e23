"""Run -> events -> clues -> diagnoses -> report: the program on one page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gradcheck import loading, plugins, proving, weighing
from gradcheck.case import Case
from gradcheck.measure.attempts import attempts
from gradcheck.model import (
    HEALTHY,
    INCONCLUSIVE,
    NONFINITE,
    STANDSTILL,
    Diagnosis,
    Event,
    Kind,
    Report,
    Role,
    Run,
    RunReport,
    Severity,
)
from gradcheck.model.inside import OTHER_MODEL

DECIDED = 0.75
"""Probability of a family from which on it is the verdict."""

LASTING = NONFINITE | STANDSTILL
"""Events that are no passing spike."""
PLANNED = frozenset({Kind.LEARNING_RATE_JUMP, Kind.STEP_REWIND})
"""Events that are worth a line, and that a schedule or a resume brings about: no trouble."""
CLEARLY = 1.5
"""How much more likely than none the causes with evidence must be for what passed to be open."""


def analyze(
    *paths: str | Path,
    overrides: Mapping[Role, str] | None = None,
    progress: loading.Progress = loading.quietly,
    verify: bool = False,
    least: Mapping[Kind, float] | None = None,
) -> Report:
    """Diagnose every run found under `paths`; the report names what could not be judged.

    With `verify`, data is compared with its checksums, where the format has any. `least` is how
    many times the level before it a spike must reach to be one, by kind.

    Raises:
        UsageError: no path exists.
        NoSuchSeries: an override names a series that no run has.
    """
    loaded = loading.collect(paths, overrides, progress, verify=verify)
    runs = sorted((diagnose(run, least) for run in loaded.runs), key=_gravity)
    return Report(tuple(runs), loaded.unread)


def diagnose(run: Run, least: Mapping[Kind, float] | None = None) -> RunReport:
    """Diagnose one run: the worst of the attempts that its log holds."""
    # losses of broken runs reach the end of the float range: measures of them may overflow
    with np.errstate(all="ignore"):
        reports = [diagnose_attempt(attempt, least) for attempt in attempts(run)]
    worst = min(reports, key=_gravity)
    events = sorted((e for r in reports for e in r.events), key=lambda event: event.order)
    notes = run.notes
    if len(reports) > 1:
        which = reports.index(worst) + 1
        notes = (
            *notes,
            f"the log holds {len(reports)} attempts, split where {_split_where(run)}; "
            f"this is about number {which}",
        )
    whole = run if run.replay is None else replace(run, replay=worst.run.replay)
    return replace(worst, run=whole, events=tuple(events), notes=notes)


def _split_where(run: Run) -> str:
    others = any(seen.key == OTHER_MODEL for seen in run.observations)
    return "another model is trained" if others else "the step starts over"


def diagnose_attempt(run: Run, least: Mapping[Kind, float] | None = None) -> RunReport:
    """Diagnose a run whose step never starts over."""
    case = Case(run, tuple(_marked(detect(run), least or {})))
    circumstance = weighing.circumstance(case)
    weighed = weighing.weigh(weighing.clues_of(case), circumstance, replay=run.replay)
    kinds = {event.kind for event in case.events}
    unexplained = is_open(circumstance, kinds, weighed.supported, weighed.none)
    verdict, confidence = judge(weighed, is_open=unexplained)
    healthy = verdict == HEALTHY
    told = () if healthy and case.trigger is None else weighing.diagnoses(case, weighed)
    run = replace(run, replay=proving.ordered(run.replay, told))
    return RunReport(
        run=run,
        verdict=verdict,
        confidence=round(confidence, 4),
        first_bad_step=_shaken_off(case) if healthy else _first_bad_step(case, told),
        events=case.events,
        diagnoses=proving.with_trials(told, run.replay),
        missing=() if healthy else weighing.missing(case, weighed),
        notes=run.notes,
    )


def _shaken_off(case: Case) -> int | None:
    """The first spike of a run that is well all the same; a warning is no bad step."""
    grave = case.trigger is not None and case.trigger.severity is not Severity.WARNING
    return case.onset_step if grave else None


def _first_bad_step(case: Case, told: Sequence[Diagnosis]) -> int | None:
    """Where a fault was seen from inside, else the onset, else the place of the first evidence."""
    if not told:
        return case.onset_step
    return told[0].evidence[0].first_step if told[0].step is None else told[0].step


def detect(run: Run) -> list[Event]:
    """The events of a run, in the order of its log."""
    detectors = plugins.collect("detectors", "detect").values()
    found = sorted(
        (event for find in detectors for event in find(run)), key=lambda event: event.order
    )
    return [event for event in found if not _is_told(event, found)]


def _is_told(one: Event, events: Iterable[Event]) -> bool:
    """Whether a warning that a loss diverged says less than what is told of its rows anyway."""
    if one.kind is not Kind.DIVERGENCE or one.severity is not Severity.WARNING:
        return False
    begun, ended = one.step or 0, one.last_step or 0
    return any(
        other.series == one.series
        and other.kind in (Kind.DIVERGENCE, Kind.LOSS_SPIKE)
        and other.severity.rank > one.severity.rank
        and (other.step or 0) <= ended
        and (other.last_step or 0) >= begun
        for other in events
    )


def _marked(events: Iterable[Event], least: Mapping[Kind, float]) -> Iterator[Event]:
    """The events without the spikes that are smaller than what counts as one."""
    for event in events:
        if event.ratio is None or event.ratio >= least.get(event.kind, 0.0):
            yield event


def is_open(circumstance: str, kinds: Collection[str], supported: float, none: float) -> bool:
    """Whether a run without a decided family is to be explained all the same.

    What failed is. A finite spike that the run shook off broke nothing; rows that were NaN, and
    what stands still, are open where the causes with evidence clearly outweigh "none of these".
    """
    if circumstance == "failed":
        return True
    shaken_off = circumstance == "passing" and LASTING.isdisjoint(kinds)
    nothing = circumstance == "quiet" or PLANNED.issuperset(kinds)
    return not (nothing or shaken_off) and supported > CLEARLY * none


def judge(weighed: weighing.Weighed, *, is_open: bool) -> tuple[str, float]:
    """The verdict and its confidence.

    A family; inconclusive if that is open; else healthy.
    """
    family, probability = weighed.families[0]
    if probability >= DECIDED:
        return family.value, probability
    if is_open:
        return INCONCLUSIVE, probability
    return HEALTHY, weighed.none


def _gravity(report: RunReport) -> tuple[bool, int, bool, float]:
    """Sorts the worst first: what broke, by severity; then the decided, then the most certain."""
    severity = report.severity
    confidence = report.diagnoses[0].confidence if report.diagnoses else report.confidence
    return (
        report.verdict == HEALTHY,
        -severity.rank if severity else 1,
        report.verdict == INCONCLUSIVE,
        -confidence,
    )
