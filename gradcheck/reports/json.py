"""The report for programs: JSON of schema version 1, described by `schema.json` beside it."""

from __future__ import annotations

import json
import math
from importlib.resources import files
from typing import Any

import gradcheck
from gradcheck.model import (
    Accepted,
    Compared,
    Comparison,
    Diagnosis,
    Envelope,
    Event,
    Evidence,
    Missing,
    Remedy,
    Replay,
    Report,
    Role,
    Run,
    RunReport,
    Trial,
    Unread,
    Where,
)
from gradcheck.reports.base import Canvas, Renderer

SCHEMA_VERSION = 1


def schema() -> dict[str, Any]:
    """The JSON Schema of the report."""
    text = files("gradcheck.reports").joinpath("schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def document(report: Report) -> dict[str, Any]:
    """The report as plain values, ready for `json.dumps`."""
    return {
        "schema_version": SCHEMA_VERSION,
        "gradcheck_version": gradcheck.__version__,
        "runs": [_run(run_report) for run_report in report.runs],
        "unread": [_unread(unread) for unread in report.unread],
    }


def dumps(value: object) -> str:
    """JSON that every parser accepts: no bare NaN, nothing that is not Unicode, ASCII only."""
    return json.dumps(_plain(value), indent=2, allow_nan=False) + "\n"


def _run(report: RunReport) -> dict[str, Any]:
    run = report.run
    return {
        "path": str(run.path),
        "format": run.format,
        "framework": run.framework,
        "first_step": run.first_step,
        "last_step": run.last_step,
        "points": run.points,
        "roles": roles(run),
        "verdict": report.verdict,
        "confidence": report.confidence,
        "first_bad_step": report.first_bad_step,
        "events": [_event(event, report.run) for event in report.events],
        "diagnoses": [_diagnosis(diagnosis) for diagnosis in report.diagnoses],
        "replay": _replay(run.replay) if run.replay else None,
        "missing": [_missing(missing) for missing in report.missing],
        "notes": list(report.notes),
        "comparison": _comparison(report.comparison) if report.comparison else None,
    }


def roles(run: Run) -> dict[str, str | None]:
    """The series that stands for each role, null where the run has none."""
    return {role.value: _series_name(run, role) for role in Role if role is not Role.OTHER}


def _series_name(run: Run, role: Role) -> str | None:
    series = run.get(role) or next(iter(run.every(role)), None)
    return series.name if series else None


def _event(event: Event, run: Run) -> dict[str, Any]:
    return {
        "kind": event.kind.value,
        "severity": event.severity.value,
        "series": event.series,
        "step": event.step,
        "last_step": event.last_step,
        "value": event.value,
        "recovered": event.recovered,
        "line": event.order if run.by_line else None,
        "text": event.text,
        "ratio": event.ratio,
        "accepted": _accepted(event.accepted) if event.accepted else None,
    }


def _accepted(accepted: Accepted) -> dict[str, Any]:
    return {"reason": accepted.reason, "by": accepted.by, "until": accepted.until}


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "baselines": [str(path) for path in comparison.baselines],
        "along": comparison.along,
        "first_step": comparison.first_step,
        "last_step": comparison.last_step,
        "compared": [_compared(one) for one in comparison.compared],
        "envelopes": [_envelope(one) for one in comparison.envelopes],
        "notes": list(comparison.notes),
    }


def _compared(compared: Compared) -> dict[str, Any]:
    return {
        "check": compared.check.value,
        "severity": compared.severity.value if compared.severity else None,
        "series": compared.series,
        "statement": compared.statement,
        "value": compared.value,
        "usual": compared.usual,
        "limit": compared.limit,
        "excess": compared.excess,
        "first_step": compared.first_step,
        "last_step": compared.last_step,
        "accepted": _accepted(compared.accepted) if compared.accepted else None,
    }


def _envelope(envelope: Envelope) -> dict[str, Any]:
    return {
        "role": envelope.role.value,
        "series": envelope.series,
        "step": envelope.step.tolist(),
        "level": envelope.level.tolist(),
        "usual": envelope.usual.tolist(),
        "high": envelope.high.tolist(),
    }


def _diagnosis(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "family": diagnosis.family.value,
        "cause": diagnosis.cause,
        "confidence": diagnosis.confidence,
        "step": diagnosis.step,
        "summary": diagnosis.summary,
        "evidence": [_evidence(evidence) for evidence in diagnosis.evidence],
        "ruled_out": [{"cause": r.cause, "because": r.because} for r in diagnosis.ruled_out],
        "remedies": [_remedy(remedy) for remedy in diagnosis.remedies],
        "where": _where(diagnosis.where) if diagnosis.where else None,
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "statement": evidence.statement,
        "series": evidence.series,
        "first_step": evidence.first_step,
        "last_step": evidence.last_step,
    }


def _remedy(remedy: Remedy) -> dict[str, Any]:
    return {
        "action": remedy.action,
        "snippet": remedy.snippet,
        "framework": remedy.framework,
        "source": remedy.source,
        "trial": _trial(remedy.trial) if remedy.trial else None,
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "outcome": trial.outcome,
        "steps": trial.steps,
        "returned_at_step": trial.returned_at_step,
        "final_loss": trial.final_loss,
    }


def _replay(replay: Replay) -> dict[str, Any]:
    return {
        "method": replay.method,
        "reproduced": replay.reproduced,
        "bit_exact": replay.bit_exact,
        "snapshot_step": replay.snapshot_step,
        "trials": [
            {
                "change": tried.change,
                "action": tried.action,
                "snippet": tried.snippet,
                "healthy": tried.healthy,
                **_trial(tried.trial),
            }
            for tried in replay.tried
        ],
    }


def _where(where: Where) -> dict[str, Any]:
    return {
        "phase": where.phase,
        "module": where.module,
        "op": where.op,
        "file": where.file,
        "line": where.line,
        "samples": None if where.samples is None else list(where.samples),
        "rank": where.rank,
    }


def _missing(missing: Missing) -> dict[str, Any]:
    return {
        "role": missing.role,
        "would_separate": [family.value for family in missing.would_separate],
        "how": missing.how,
    }


def _unread(unread: Unread) -> dict[str, Any]:
    return {"path": str(unread.path), "reason": unread.reason, "broken": unread.broken}


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        # A path that is not UTF-8 holds lone surrogates, which strict parsers refuse.
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def _render(report: Report, canvas: Canvas) -> str:
    return dumps(document(report))


RENDERER = Renderer(suffixes=(".json",), render=_render)
