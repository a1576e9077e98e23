"""Reads Hugging Face's `trainer_state.json`, whose checkpoints hold the beginnings of one run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradcheck.errors import NotALog
from gradcheck.model import Run
from gradcheck.readers.base import Source
from gradcheck.readers.json_cells import flat_cells
from gradcheck.readers.json_runs import run_of_rows
from gradcheck.readers.json_text import document_of
from gradcheck.readers.table import TableBuilder

_SETTINGS = (
    "max_steps",
    "num_train_epochs",
    "train_batch_size",
    "logging_steps",
    "eval_steps",
    "save_steps",
)
_UNLIMITED = 2**63 - 1  # what the epochs of an endless data set are set to
_MOST_COMPARED = 512 << 20


@dataclass(frozen=True, eq=False)
class _State:
    name: str
    document: Mapping[str, object]
    history: Sequence[object]


def read(source: Source) -> Run:
    """Read the fullest state of a run, and compare the others with it.

    Raises:
        NotALog: no state can be read, or nothing was logged.
    """
    main: _State | None = None
    notes, beginnings, compared = [], 0, 0
    for index, file in enumerate(source.files):
        if compared > _MOST_COMPARED:
            notes.append(f"the {len(source.files) - index} oldest checkpoints were not compared")
            break
        compared += file.stat().st_size
        try:
            state = _state(file, source)
        except NotALog as error:
            if len(source.files) == 1:
                raise
            notes.append(f"{_name(file, source)}: {error}")
            continue
        if main is None:
            main = state
            continue
        fuller, other = (state, main) if len(state.history) > len(main.history) else (main, state)
        difference = _difference(fuller, other)
        notes += difference
        beginnings += not difference
        main = fuller
    if main is None:
        raise NotALog("; ".join(notes), broken=True)
    if beginnings:
        files = "file holds" if beginnings == 1 else "files hold"
        notes.append(f"{main.name} is read; {beginnings} more {files} the beginning of it")
    return run_of_state(main.document, source.path, tuple(notes))


def run_of_state(document: Mapping[str, object], path: Path, notes: tuple[str, ...] = ()) -> Run:
    """The run whose state a document is.

    Raises:
        NotALog: nothing was logged.
    """
    history = document.get("log_history")
    rows = [row for row in history if isinstance(row, dict)] if isinstance(history, list) else []
    if not rows:
        raise NotALog("a trainer state in which nothing is logged yet: its log_history is empty")
    builder = TableBuilder()
    for index, row in enumerate(rows):
        builder.add(index + 1, flat_cells(row))
    return run_of_rows(builder.finish(), path, "json", hparams=_settings(document), notes=notes)


def _state(file: Path, source: Source) -> _State:
    document, _ = document_of(file)
    history = document.get("log_history") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(history, list):
        raise NotALog("a trainer state without a log_history")
    return _State(_name(file, source), document, history)


def _settings(document: Mapping[str, object]) -> dict[str, object]:
    trial = document.get("trial_params")
    tried = dict(flat_cells(trial)) if isinstance(trial, dict) else {}
    found = {**{name: document.get(name) for name in _SETTINGS}, **tried}
    return {name: value for name, value in found.items() if value not in (None, _UNLIMITED)}


def _difference(main: _State, other: _State) -> list[str]:
    """Where a history is not the beginning of the main one, in words."""
    for mine, its in zip(main.history, other.history, strict=False):
        if _spelled(mine) != _spelled(its):
            step = its.get("step") if isinstance(its, dict) else None
            return [
                f"{other.name} is not a beginning of {main.name}: they part at step {step}, as"
                " after a resume from before it"
            ]
    return []


def _spelled(row: object) -> str:
    return json.dumps(row, sort_keys=True)  # NaN is equal to itself in writing only


def _name(file: Path, source: Source) -> str:
    return file.relative_to(source.path).as_posix() if file != source.path else file.name
