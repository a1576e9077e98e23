"""Annotations for GitHub Actions: workflow commands that mark the script's or the log's line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gradcheck.model import Report, RunReport, Severity
from gradcheck.reports import markdown
from gradcheck.reports.base import Appendix, Canvas, Renderer
from gradcheck.reports.escape import safe
from gradcheck.reports.places import in_log, in_script
from gradcheck.reports.telling import headline, is_noteworthy, nothing_judged, sentences, tally
from gradcheck.wording import count

MOST_SHOWN = 10
"""Annotations of one level that GitHub shows of a step."""
LONGEST_TITLE, LONGEST_LINE = 200, 500
MOST_BYTES = 1 << 20
"""What GitHub takes as the summary of a step."""
_LEVELS = {Severity.FAILURE: "error", Severity.SPIKE: "warning", Severity.WARNING: "notice"}


def command(level: str, properties: dict[str, str | int | None], message: str) -> str:
    """One workflow command; whatever it holds, it stays one line and one command."""
    told = {name: value for name, value in properties.items() if value is not None}
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in told.items())
    return f"::{level}{' ' if listed else ''}{listed}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _render(report: Report, canvas: Canvas) -> str:
    return "".join(f"{line}\n" for line in _lines(report, canvas))


def _lines(report: Report, canvas: Canvas) -> Iterator[str]:
    told: Counter[str] = Counter()
    for run in report.runs:
        if not is_noteworthy(run, canvas.fail_on):
            continue
        level = _LEVELS[run.open_severity or Severity.WARNING]  # what is accepted is but told
        told[level] += 1
        if told[level] <= MOST_SHOWN:
            yield _annotation(level, run)
    for unread in [item for item in report.unread if item.broken][:MOST_SHOWN]:
        yield command(
            "error", {"title": "gradcheck: not judged"}, safe(f"{unread.path}: {unread.reason}")
        )
    more = sum(max(number - MOST_SHOWN, 0) for number in told.values())
    if more:
        yield f"gradcheck: {count(more, 'more run')} without an annotation of its own"
    if not report.runs:
        yield command("error", {"title": "gradcheck"}, nothing_judged(len(report.unread)))
    else:
        yield f"gradcheck: {tally(report.runs)}"


def _annotation(level: str, run: RunReport) -> str:
    log = in_log(run)
    target = in_script(run) or log
    lines = [headline(run), f"Run: {log.path}" + (f", line {log.line}" if log.line else "")]
    lines += sentences(run)
    return command(
        level,
        {
            "file": safe(target.path),
            "line": target.line,
            "title": safe(f"gradcheck: {headline(run)}", LONGEST_TITLE),
        },
        "\n".join(safe(line, LONGEST_LINE) for line in lines),
    )


RENDERER = Renderer(
    suffixes=(),
    render=_render,
    appendix=Appendix("GITHUB_STEP_SUMMARY", MOST_BYTES, markdown.RENDERER.render),
)
