"""The report as JUnit XML: one test case for each run and kind of event, for build servers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from gradcheck.model import Compared, Event, Kind, Report, Role, RunReport, Severity
from gradcheck.reports.base import Canvas, Renderer
from gradcheck.reports.escape import safe
from gradcheck.reports.page import Page
from gradcheck.reports.phrases import gravest, happenings, percent, words
from gradcheck.reports.places import in_log
from gradcheck.reports.run_details import put_details
from gradcheck.reports.telling import best, fails, headline, nothing_judged

LONGEST = 500
MOST_UNREAD = 200
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What an XML 1.0 document cannot hold, not even escaped."""
_NEEDS: dict[Kind, tuple[Role, ...]] = {
    Kind.NONFINITE_LOSS: (Role.LOSS,),
    Kind.DIVERGENCE: (Role.LOSS,),
    Kind.LOSS_SPIKE: (Role.LOSS,),
    Kind.PLATEAU: (Role.LOSS,),
    Kind.NONFINITE_GRADIENT: (Role.GRAD_NORM, Role.CLIPPED_GRAD_NORM, Role.LAYER_GRAD_NORM),
    Kind.GRADIENT_SPIKE: (Role.GRAD_NORM,),
    Kind.VANISHING_GRADIENT: (Role.GRAD_NORM, Role.LAYER_GRAD_NORM),
    Kind.NONFINITE_WEIGHTS: (Role.WEIGHT_NORM,),
    Kind.LOSS_SCALE_COLLAPSE: (Role.LOSS_SCALE,),
    Kind.LEARNING_RATE_JUMP: (Role.LEARNING_RATE,),
}
"""The series of which a log must have one, for a kind of event to show in it."""


def xml_text(text: str) -> str:
    """The text without what XML cannot hold: such characters show as visible escapes."""
    return _FORBIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _render(report: Report, canvas: Canvas) -> str:
    root = Element("testsuites", name="gradcheck")
    names: Counter[str] = Counter()
    for run in report.runs:
        _add_run(root, run, _unique(in_log(run).path, names), canvas.fail_on)
    if report.unread:
        _add_unread(root, report)
    if not report.runs:
        suite = SubElement(root, "testsuite", name="gradcheck")
        case = SubElement(suite, "testcase", classname="gradcheck", name="a run was found")
        reason = nothing_judged(len(report.unread))
        SubElement(case, "error", type="nothing_to_judge", message=reason).text = reason
    _count(root)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _unique(path: str, names: Counter[str]) -> str:
    """GitLab drops test cases that share a name with another."""
    name = xml_text(safe(path))
    names[name] += 1
    return name if names[name] == 1 else f"{name} ({names[name]})"


def _add_run(root: Element, run: RunReport, name: str, fail_on: Severity | None) -> None:
    suite = SubElement(root, "testsuite", name=name)
    properties = SubElement(suite, "properties")
    for key, value in _properties(run):
        SubElement(properties, "property", name=key, value=xml_text(safe(value)))
    first = gravest(run)
    told_at = first.kind if first is not None else None
    for kind in Kind:
        case = SubElement(suite, "testcase", classname=name, name=f"no {words(kind.value)}")
        events = [event for event in run.events if event.kind is kind]
        if events:
            _tell(case, run, events, told_at, fail_on)
        elif not _is_visible(run, kind):
            lacking = words(_NEEDS[kind][0].value)
            SubElement(case, "skipped", message=f"the log has no series of the {lacking}")
    for one in run.comparison.compared if run.comparison else ():
        _add_compared(suite, one, name, fail_on)


def _properties(run: RunReport) -> Iterator[tuple[str, str]]:
    yield "verdict", run.verdict
    diagnosis = best(run)
    if diagnosis is not None:
        yield "cause", diagnosis.cause
        yield "confidence", percent(diagnosis.confidence)
    if run.first_bad_step is not None:
        yield "first_bad_step", str(run.first_bad_step)
    yield "format", run.run.format


def _is_visible(run: RunReport, kind: Kind) -> bool:
    needed = _NEEDS.get(kind, ())
    return not needed or any(run.run.every(role) for role in needed)


def _tell(
    case: Element,
    run: RunReport,
    events: Sequence[Event],
    told_at: Kind | None,
    fail_on: Severity | None,
) -> None:
    """The diagnosis at the gravest kind, and at the others where to find it."""
    happened = happenings(events)[0]
    failing = [event for event in events if fails(event, fail_on)]
    if not failing:
        mildest = fail_on.value if fail_on else "never"
        accepted = next((e.accepted.reason for e in events if e.accepted), None)
        why = f"accepted: {accepted}" if accepted else f"no failure with --fail-on {mildest}"
        told = f"{events[0].severity.value}: {happened} ({why})"
        SubElement(case, "system-out").text = xml_text(safe(told, LONGEST))
        return
    here = failing[0].kind is told_at
    message = headline(run) if here else happened
    failure = SubElement(
        case,
        "failure",
        type=max((e.severity for e in failing), key=lambda s: s.rank).value,
        message=xml_text(safe(message, LONGEST)),
    )
    page = Page(Canvas(width=100, braille=False))
    if here:
        put_details(page, run)
    else:
        page.line(happened)
        page.line(f"The diagnosis is told at: no {words(told_at.value) if told_at else ''}")
    failure.text = xml_text(page.finish())


def _add_compared(suite: Element, one: Compared, name: str, fail_on: Severity | None) -> None:
    title = f"{words(one.check.value)} as in the good runs: {one.series}"
    case = SubElement(suite, "testcase", classname=name, name=xml_text(safe(title, LONGEST)))
    told = xml_text(safe(one.statement, LONGEST))
    if fails(one, fail_on) and one.severity is not None:
        SubElement(case, "failure", type=one.severity.value, message=told).text = told
    else:
        accepted = f" (accepted: {one.accepted.reason})" if one.accepted else ""
        SubElement(case, "system-out").text = told + xml_text(safe(accepted, LONGEST))


def _add_unread(root: Element, report: Report) -> None:
    suite = SubElement(root, "testsuite", name="files")
    names: Counter[str] = Counter()
    broken = [item for item in report.unread if item.broken]
    others = [item for item in report.unread if not item.broken]
    for item in (broken + others)[:MOST_UNREAD]:
        name = _unique(str(item.path), names)
        case = SubElement(suite, "testcase", classname=name, name="can be read as a log")
        reason = xml_text(safe(item.reason, LONGEST))
        if item.broken:
            SubElement(case, "error", type="unreadable", message=reason).text = reason
        else:
            SubElement(case, "skipped", message=reason)


def _count(root: Element) -> None:
    """Write down how many cases there are and how they ended, as readers expect it."""
    total: Counter[str] = Counter()
    kinds = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    for suite in root:
        found = {key: len(suite.findall(f"testcase/{tag}")) for key, tag in kinds.items()}
        counts = Counter({"tests": len(suite.findall("testcase")), **found})
        total += counts
        for key in ("tests", *kinds):
            suite.set(key, str(counts[key]))
    for key in ("tests", "failures", "errors"):
        root.set(key, str(total[key]))


RENDERER = Renderer(suffixes=(".xml",), render=_render)
