"""The report as SARIF 2.1.0: one result a run, its rule the cause, for code scanning."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import gradcheck
from gradcheck.model import INCONCLUSIVE, Report, RunReport, Severity, Unread
from gradcheck.reports.base import Canvas, Renderer
from gradcheck.reports.escape import safe
from gradcheck.reports.json import dumps
from gradcheck.reports.phrases import gravest
from gradcheck.reports.places import Spot, in_log, in_script, spot
from gradcheck.reports.sarif_rules import rule
from gradcheck.reports.telling import (
    acceptances,
    best,
    headline,
    is_noteworthy,
    nothing_judged,
    sentences,
)

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
REGRESSION = "regression"
LONGEST = 600
_LEVELS = {Severity.FAILURE: "error", Severity.SPIKE: "warning", Severity.WARNING: "note"}
_BASE = "%SRCROOT%"
_SPECIAL = str.maketrans({"\\": "\\\\", "[": "\\[", "]": "\\]", "{": "{{", "}": "}}"})


def message(text: str) -> dict[str, Any]:
    """Plain text that no viewer takes for a link or a placeholder."""
    return {"text": text.translate(_SPECIAL)}


def _render(report: Report, canvas: Canvas) -> str:
    told = [run for run in report.runs if is_noteworthy(run, canvas.fail_on)]
    ids = list(dict.fromkeys(_rule_id(run) for run in told))
    results = [_result(run, ids) for run in told]
    return dumps(
        {
            "$schema": SCHEMA,
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {"driver": _driver(ids)},
                    "invocations": [_invocation(report, canvas)],
                    "columnKind": "utf16CodeUnits",
                    "results": results,
                }
            ],
        }
    )


def _driver(ids: Sequence[str]) -> dict[str, Any]:
    return {
        "name": "gradcheck",
        "version": gradcheck.__version__,
        "semanticVersion": gradcheck.__version__,
        "shortDescription": {"text": "Why a training run broke, and what to change."},
        "rules": [rule(name) for name in ids],
    }


def _invocation(report: Report, canvas: Canvas) -> dict[str, Any]:
    complete = bool(report.runs) and not any(item.broken for item in report.unread)
    known = {} if canvas.exit_code is None else {"exitCode": canvas.exit_code}
    return {
        "executionSuccessful": complete,
        **known,
        "toolExecutionNotifications": list(_notifications(report)),
    }


def _notifications(report: Report) -> Iterator[dict[str, Any]]:
    if not report.runs:
        yield {"level": "error", "message": message(nothing_judged(len(report.unread)))}
    for item in report.unread:
        yield _unread(item)


def _unread(item: Unread) -> dict[str, Any]:
    return {
        "level": "error" if item.broken else "note",
        "message": message(safe(f"{item.path}: {item.reason}", LONGEST)),
        "locations": [{"physicalLocation": _physical(spot(item.path))}],
    }


def _rule_id(run: RunReport) -> str:
    """The cause; the kind of event where nothing broke and so nothing is to be explained."""
    diagnosis, first = best(run), gravest(run)
    if diagnosis is not None:
        return diagnosis.cause
    if run.regressions:
        return REGRESSION
    return first.kind.value if first is not None else INCONCLUSIVE


def _result(run: RunReport, ids: Sequence[str]) -> dict[str, Any]:
    name, diagnosis = _rule_id(run), best(run)
    lines = [headline(run), *sentences(run)]
    script, log = in_script(run), in_log(run)
    result: dict[str, Any] = {
        "ruleId": name,
        "ruleIndex": ids.index(name),
        "level": _LEVELS[run.open_severity or Severity.WARNING],
        "message": message("\n".join(safe(line, LONGEST) for line in lines)),
        "locations": [_location(script or log, run)],
        "partialFingerprints": _fingerprints(log, name),
        "properties": {
            "verdict": run.verdict,
            "confidence": run.confidence,
            "firstBadStep": run.first_bad_step,
            "run": log.path,
        },
    }
    if diagnosis is not None:
        result["rank"] = round(100 * diagnosis.confidence, 1)
    if run.open_severity is None:
        result["suppressions"] = [
            {"kind": "external", "justification": safe(why, LONGEST)} for why in acceptances(run)
        ]
    if script is not None:
        result["relatedLocations"] = [
            {"id": 1, "physicalLocation": _physical(log), "message": message("the log of the run")}
        ]
    return result


def _location(found: Spot, run: RunReport) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": _physical(found)}
    diagnosis = best(run)
    where = diagnosis.where if diagnosis is not None else None
    names = [(where.module, "object"), (where.op, "function")] if where is not None else []
    logical = [{"name": safe(name), "kind": kind} for name, kind in names if name]
    return location | ({"logicalLocations": logical} if logical else {})


def _physical(found: Spot) -> dict[str, Any]:
    artifact = {"uri": found.uri} | ({"uriBaseId": _BASE} if found.is_relative else {})
    region = {} if found.line is None else {"region": {"startLine": found.line}}
    return {"artifactLocation": artifact, **region}


def _fingerprints(log: Spot, name: str) -> dict[str, str]:
    """The same for the same cause in the same run, whatever the step: seeds move that."""
    told = hashlib.sha256(f"{log.path}\n{name}".encode("utf-8", "backslashreplace")).hexdigest()
    # GitHub matches by this key, which it would else take from a line of a log that ever changes.
    return {"primaryLocationLineHash": f"{told[:16]}:1", "runAndCause/v1": told}


RENDERER = Renderer(suffixes=(".sarif", ".sarif.json"), render=_render)
