"""Writes all that is said about one run: a quiet line if it is healthy, else one screen."""

from __future__ import annotations

from collections.abc import Sequence

from gradcheck.model import HEALTHY, INCONCLUSIVE, Diagnosis, Evidence, Missing, Remedy, RunReport
from gradcheck.reports.page import Page, Part
from gradcheck.reports.phrases import (
    extent,
    happenings,
    judgement,
    percent,
    place,
    status,
    what_happened,
    window,
    words,
)
from gradcheck.reports.run_comparison import put_accepted, put_comparison
from gradcheck.reports.run_plots import put_plots
from gradcheck.reports.run_replay import put_replay

STATUS_STYLE = {
    "failed": "bold red",
    "spike": "bold yellow",
    "warning": "yellow",
    "regressed": "bold red",
    "accepted": "cyan",
    "healthy": "green",
}
LEAST_LEFT = 0.05
MOST_EVIDENCE, MOST_RULED_OUT, MOST_REMEDIES, MOST_MISSING, MOST_RIVALS = 5, 3, 3, 2, 4


def put_healthy(page: Page, report: RunReport) -> None:
    """The quiet line: how far the run came, and what it shook off."""
    clauses = [extent(report.run), *happenings(report.events)[:2]]
    text = "; ".join(clause for clause in clauses if clause)
    page.item(
        ("healthy", STATUS_STYLE["healthy"]), str(report.run.path), (f"  {text}", "dim"), gap=2
    )
    put_accepted(page, report)
    put_comparison(page, report)


def put_details(page: Page, report: RunReport) -> None:
    """Verdict, picture, reasons, and what to change."""
    _put_verdict(page, report)
    put_plots(page, report)
    if report.verdict == INCONCLUSIVE:
        _put_rivals(page, report.diagnoses[:MOST_RIVALS])
    elif report.diagnoses and report.verdict != HEALTHY:
        _put_reasons(page, report.diagnoses[0])
    if report.run.replay is not None:
        put_replay(page, report.run.replay)
    if report.diagnoses and report.verdict != HEALTHY:
        _put_remedies(page, report)
    _put_missing(page, report.missing)
    put_accepted(page, report)
    put_comparison(page, report)
    notes = dict.fromkeys((*report.run.notes, *report.notes))
    if notes:
        page.blank()
    for note in notes:
        page.line((f"Note: {note}", "dim"))


def _put_verdict(page: Page, report: RunReport) -> None:
    state = status(report)
    happened = what_happened(report)
    first_bad = report.first_bad_step
    if first_bad is not None and f"step {first_bad}" not in happened:
        happened += f", first bad step {first_bad}"
    page.item((state, STATUS_STYLE[state]), (f"{happened}: {judgement(report)}", "bold"), gap=2)
    page.line((str(report.run.path), "dim"), indent=len(state) + 2)
    if report.diagnoses and report.verdict not in (HEALTHY, INCONCLUSIVE):
        page.line(report.diagnoses[0].summary)
        if report.diagnoses[0].where is not None:
            page.line((place(report.diagnoses[0].where), "bold"))


def _put_reasons(page: Page, diagnosis: Diagnosis) -> None:
    page.heading("Why")
    for evidence in diagnosis.evidence[:MOST_EVIDENCE]:
        page.item("-", *_sentence(evidence), indent=2)
    if not diagnosis.ruled_out:
        return
    page.heading("Ruled out")
    for rejection in diagnosis.ruled_out[:MOST_RULED_OUT]:
        page.item("-", f"{words(rejection.cause)}: {rejection.because}", indent=2)


def _put_rivals(page: Page, diagnoses: Sequence[Diagnosis]) -> None:
    if diagnoses:
        page.heading("Most probable")
    left = 1.0 - sum(diagnosis.confidence for diagnosis in diagnoses)
    for diagnosis in diagnoses:
        name = f"{words(diagnosis.cause)} ({words(diagnosis.family.value)})"
        best = diagnosis.evidence[:1]
        reason: list[Part] = [": ", *_sentence(best[0])] if best else []
        page.item(f"{percent(diagnosis.confidence):>3}", (name, "bold"), *reason, indent=2)
    if diagnoses and left >= LEAST_LEFT:
        page.item(f"{percent(left):>3}", ("another cause", "dim"), indent=2)


def _sentence(evidence: Evidence) -> list[Part]:
    """The statement, and its window unless the sentence names those steps itself."""
    steps = window(evidence)
    return [evidence.statement, (f" ({steps})", "dim")] if steps else [evidence.statement]


def _put_remedies(page: Page, report: RunReport) -> None:
    diagnosis = report.diagnoses[0]
    if not diagnosis.remedies:
        return
    unsure = report.verdict == INCONCLUSIVE
    page.heading(f"Change, if it is {words(diagnosis.cause)}" if unsure else "Change")
    advised = [r for r in diagnosis.remedies if r.trial is None or r.trial.outcome == "prevented"]
    for rank, remedy in enumerate(advised[:MOST_REMEDIES], start=1):
        _put_remedy(page, rank, remedy)


def _put_remedy(page: Page, rank: int, remedy: Remedy) -> None:
    tried = [(" (tried)", "green")] if remedy.trial is not None else []
    page.item(f"{rank}.", remedy.action, *tried, indent=2)
    if remedy.snippet:
        page.code(remedy.snippet, indent=7)


def _put_missing(page: Page, missing: Sequence[Missing]) -> None:
    if missing:
        page.heading("To be sure")
    for lack in missing[:MOST_MISSING]:
        families = " from ".join(words(family.value) for family in lack.would_separate[:2])
        use = f" (tells {families})" if len(lack.would_separate) > 1 else ""
        page.item("-", lack.how, (use, "dim"), indent=2)
