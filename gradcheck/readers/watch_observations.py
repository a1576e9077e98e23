"""Reads what `gradcheck watch` wrote beside its event file: observations, errors and notes."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gradcheck.model import Message, Observation, Replay, Run, Said, Trial, Tried, Where

FILE = "gradcheck.observations"
_MOST_BYTES = 1 << 20
_MOST_LINES = 1000
_MOST_TEXT = 2000
_MOST_SAMPLES = 1000
_MOST_TRIED = 100
METHODS = ("fork", "rollback", "rerun")
OUTCOMES = ("prevented", "delayed", "not_prevented")


def with_observations(run: Run, directory: Path) -> Run:
    """The run with what was written beside its log, if anything was; damaged lines say nothing."""
    entries = list(_entries(directory / FILE))
    if not entries:
        return run
    last = max((int(series.order[-1]) for series in run.series if len(series)), default=0)
    return dataclasses.replace(
        run,
        observations=tuple(filter(None, map(_observation, entries))),
        messages=(*run.messages, *filter(None, (_message(entry, last) for entry in entries))),
        notes=(*run.notes, *filter(None, (_text(entry.get("note")) for entry in entries))),
        replay=next(filter(None, map(_replay, reversed(entries))), run.replay),
    )


def _entries(file: Path) -> Iterator[Mapping[str, Any]]:
    try:
        if not file.is_file() or file.stat().st_size > _MOST_BYTES:
            return
        lines = file.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines[:_MOST_LINES]:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict):
            yield entry


def _observation(entry: Mapping[str, Any]) -> Observation | None:
    key, statement = _text(entry.get("key")), _text(entry.get("statement"))
    if not key or not statement:
        return None
    strength, values = _number(entry.get("strength", 1.0)), entry.get("values")
    return Observation(
        key,
        statement,
        _integer(entry.get("step")),
        1.0 if strength is None else min(max(strength, 0.0), 1.0),
        _numbers(values) if isinstance(values, dict) else {},
        _where(entry.get("where")),
    )


def _numbers(values: Mapping[Any, Any]) -> dict[str, float]:
    known = ((str(name), _number(value)) for name, value in values.items())
    return {name: value for name, value in known if value is not None}


def _where(found: object) -> Where | None:
    if not isinstance(found, dict) or not isinstance(found.get("phase"), str):
        return None
    samples = found.get("samples")
    if isinstance(samples, list):
        known = (_integer(sample) for sample in samples[:_MOST_SAMPLES])
        samples = tuple(sample for sample in known if sample is not None)
    else:
        samples = None
    return Where(
        found["phase"],
        _text(found.get("module")),
        _text(found.get("op")),
        _text(found.get("file")),
        _integer(found.get("line")),
        samples,
        _integer(found.get("rank")),
    )


def _message(entry: Mapping[str, Any], order: int) -> Message | None:
    said, text = entry.get("said"), _text(entry.get("text"))
    if text is None or said not in [known.value for known in Said]:
        return None
    return Message(Said(said), order, text)


def _replay(entry: Mapping[str, Any]) -> Replay | None:
    found = entry.get("replay")
    if not isinstance(found, dict) or found.get("method") not in METHODS:
        return None
    tried = found.get("tried")
    listed = tried[:_MOST_TRIED] if isinstance(tried, list) else []
    idle = found.get("idle")
    named = idle[:_MOST_TRIED] if isinstance(idle, list) else []
    return Replay(
        found["method"],
        found.get("reproduced") is True,
        found.get("bit_exact") is True,
        _integer(found.get("snapshot_step")),
        tuple(filter(None, map(_tried, listed))),
        tuple(filter(None, map(_text, named))),
        found.get("stalled") is True,
        found.get("finite") is True,
    )


def _tried(entry: object) -> Tried | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("trial"), dict):
        return None
    change, action, trial = _text(entry.get("change")), _text(entry.get("action")), entry["trial"]
    if not change or not action or trial.get("outcome") not in OUTCOMES:
        return None
    told = Trial(
        trial["outcome"],
        _integer(trial.get("steps")) or 0,
        _integer(trial.get("returned_at_step")),
        _number(trial.get("final_loss", "")),
    )
    return Tried(
        change,
        action,
        _text(entry.get("snippet")),
        told,
        entry.get("healthy") is True,
        _number(entry.get("gradient")),
    )


def _text(value: object) -> str | None:
    return value[:_MOST_TEXT] if isinstance(value, str) else None


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None
