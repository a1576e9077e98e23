"""One run in Markdown: what happened and what to change in sight, the rest folded away."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck.model import INCONCLUSIVE, Evidence, Remedy, Replay, RunReport, Trial
from gradcheck.reports.base import Canvas
from gradcheck.reports.markup import block, code, element, text
from gradcheck.reports.page import Page
from gradcheck.reports.phrases import (
    extent,
    happenings,
    number,
    percent,
    place,
    status,
    window,
    words,
)
from gradcheck.reports.places import in_log
from gradcheck.reports.run_plots import put_plots
from gradcheck.reports.telling import acceptances, best, headline
from gradcheck.wording import count

PLOT_WIDTH = 76
LONGEST = 400
"""Characters of a sentence: it may hold names of any length."""
MOST_EVIDENCE, MOST_RULED_OUT, MOST_REMEDIES, MOST_TRIED, MOST_NOTES = 5, 4, 3, 12, 8


def title(report: RunReport) -> str:
    """The heading of a report of one run, and where the run lies."""
    log = in_log(report)
    at = f", line {log.line}" if log.line else ""
    return f"### gradcheck: {status(report)}\n\n{code(log.path, LONGEST)}{at}"


def page(report: RunReport, *, foldable: bool = True) -> str:
    """A whole page about one run."""
    if status(report) == "healthy":
        return f"{title(report)}\n\n{healthy_line(report)}"
    return f"{title(report)}\n\n{details(report, alone=True, foldable=foldable)}"


def healthy_line(report: RunReport) -> str:
    """How far a healthy run came, and what it shook off."""
    clauses = [extent(report.run), *happenings(report.events)[:2]]
    return text("; ".join(clause for clause in clauses if clause), LONGEST)


def details(report: RunReport, *, alone: bool, foldable: bool = True) -> str:
    """Everything about one run; folded but for its headline, unless it is alone."""
    body = "\n\n".join(_body(report, foldable=foldable))
    if alone:
        return f"**{text(headline(report), LONGEST)}**\n\n{body}"
    log = in_log(report)
    at = f", line {log.line}" if log.line else ""
    summary = f"{element('code', log.path, LONGEST)}{at}: {element('b', headline(report), LONGEST)}"
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _body(report: RunReport, *, foldable: bool) -> Iterator[str]:
    diagnosis = best(report)
    if diagnosis is not None and report.verdict != INCONCLUSIVE:
        yield text(diagnosis.summary, LONGEST)
    if diagnosis is not None and diagnosis.where is not None:
        yield f"**{text(place(diagnosis.where), LONGEST)}**"
    yield from _reasons(report)
    yield from _remedies(report)
    if report.run.replay is not None:
        yield from _replay(report.run.replay)
    yield from _gating(report)
    drawn = Page(Canvas(PLOT_WIDTH, braille=False))
    put_plots(drawn, report)
    plot = drawn.finish().strip("\n")
    if plot:
        yield _folded("Loss and gradient norm", block(plot), foldable=foldable)
    if diagnosis is not None and diagnosis.ruled_out:
        listed = "\n".join(
            f"- {text(words(r.cause))}: {text(r.because, LONGEST)}"
            for r in diagnosis.ruled_out[:MOST_RULED_OUT]
        )
        yield _folded("Ruled out", listed, foldable=foldable)
    notes = list(dict.fromkeys((*report.run.notes, *report.notes)))[:MOST_NOTES]
    if notes:
        yield "\n".join(f"- Note: {text(note, LONGEST)}" for note in notes)


def _gating(report: RunReport) -> Iterator[str]:
    """What is accepted, and what is worse than in the good runs."""
    told = [f"- {text(line, LONGEST)}" for line in acceptances(report)]
    told += [
        f"- {text(words(one.check.value))}: {text(one.statement, LONGEST)}"
        for one in report.regressions
    ]
    if told:
        yield "\n".join(told)


def _reasons(report: RunReport) -> Iterator[str]:
    diagnosis = best(report)
    if diagnosis is None:
        return
    if report.verdict != INCONCLUSIVE:
        lines = [f"- {_sentence(evidence)}" for evidence in diagnosis.evidence[:MOST_EVIDENCE]]
        if lines:
            yield "\n".join(["**Why**", "", *lines])
        return
    lines = [
        f"- {percent(rival.confidence)} **{text(words(rival.cause))}**"
        + (f": {_sentence(rival.evidence[0])}" if rival.evidence else "")
        for rival in report.diagnoses[:MOST_EVIDENCE]
    ]
    yield "\n".join(["**Most probable**", "", *lines])
    if report.missing:
        lacks = [f"- {text(lack.how, LONGEST)}" for lack in report.missing[:2]]
        yield "\n".join(["**To be sure**", "", *lacks])


def _sentence(evidence: Evidence) -> str:
    steps = window(evidence)
    return text(evidence.statement, LONGEST) + (f" _({steps})_" if steps else "")


def _remedies(report: RunReport) -> Iterator[str]:
    diagnosis = best(report)
    if diagnosis is None or not diagnosis.remedies:
        return
    unsure = report.verdict == INCONCLUSIVE
    heading = f"Change, if it is {words(diagnosis.cause)}" if unsure else "Change"
    items = [
        _remedy(rank, remedy)
        for rank, remedy in enumerate(diagnosis.remedies[:MOST_REMEDIES], start=1)
    ]
    yield "\n\n".join([f"**{text(heading)}**", *items])


def _remedy(rank: int, remedy: Remedy) -> str:
    proven = f" _({_outcome(remedy.trial)})_" if remedy.trial else ""
    line = f"**{rank}.** {text(remedy.action, LONGEST)}{proven}"
    if not remedy.snippet:
        return line
    # no list: TensorBoard knows no fence within an item, and would count from 1 after each
    return f"{line}\n\n{block(remedy.snippet[: 10 * LONGEST], 'python')}"


def _outcome(trial: Trial) -> str:
    """What a replay with the change showed, as a clause."""
    ran = f"in {count(trial.steps, 'replayed step')}"
    returned = trial.returned_at_step
    back = f", the failure returned at step {returned}" if returned is not None else ""
    return f"{words(trial.outcome)} {ran}{back}"


def _replay(replay: Replay) -> Iterator[str]:
    came_back = "came back" if replay.reproduced else "did not come back"
    exact = ", bit for bit" if replay.reproduced and replay.bit_exact else ""
    origin = "" if replay.snapshot_step is None else f" from step {replay.snapshot_step}"
    yield f"**Replayed**{origin}: the failure {came_back}{exact}."
    if not replay.tried:
        return
    rows = ["| change | outcome | steps | final loss |", "| --- | --- | --- | --- |"]
    for tried in replay.tried[:MOST_TRIED]:
        trial = tried.trial
        loss = "" if trial.final_loss is None else number(trial.final_loss)
        returned = trial.returned_at_step
        back = "" if returned is None else f", back at step {returned}"
        harm = "" if tried.healthy else ", but the training suffers"
        cells = [tried.action, words(trial.outcome) + back + harm, str(trial.steps), loss]
        rows.append("| " + " | ".join(text(cell, LONGEST) for cell in cells) + " |")
    yield "\n".join(rows)


def _folded(heading: str, content: str, *, foldable: bool) -> str:
    if not foldable:
        return f"**{heading}**\n\n{content}"
    return f"<details><summary>{heading}</summary>\n\n{content}\n\n</details>"
