"""Reads the `.wandb` files that W&B leaves in the directory of each run, offline or not."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradcheck.errors import NotALog
from gradcheck.model import Lost, Run
from gradcheck.readers import wandb_records
from gradcheck.readers.base import Candidate, Reader, Source
from gradcheck.readers.table import Cell, Table, TableBuilder
from gradcheck.readers.table_run import run_of
from gradcheck.readers.wandb_histograms import Histograms
from gradcheck.readers.wandb_log import FILE_HEADER, IDENT, read_records

_STEP = "_step"
_OWN = "_wandb"  # what W&B keeps for itself, in the config as in the history


class _WandbFiles:
    def claims(self, candidate: Candidate) -> bool:
        return candidate.path.suffix == ".wandb" or candidate.head.startswith(IDENT)

    def group(self, files: Sequence[Path], root: Path) -> Iterable[Source]:
        for file in sorted(files):
            alone = sum(other.parent == file.parent for other in files) == 1
            yield Source(file.parent if alone and file != root else file, (file,))

    def read(self, source: Source) -> Run:
        (file,) = source.files
        log = _read(file)
        if not len(log.rows):
            raise _nothing_in(log, file)
        run = run_of(_in_order(log.rows.finish()), source.path, "wandb")
        notes = (*log.histograms.notes(), *log.ending(), *run.notes)
        lost = log.damage(file.name)
        return dataclasses.replace(run, hparams=log.config, notes=notes, lost=lost, by_line=False)


READER: Reader = _WandbFiles()


@dataclass
class _Log:
    """What the intact records of a file say."""

    rows: TableBuilder = field(default_factory=TableBuilder)
    config: dict[str, object] = field(default_factory=dict)
    histograms: Histograms = field(default_factory=Histograms)
    records: int = 0
    exit_code: int | None = None
    lost: list[tuple[int, int]] = field(default_factory=list)

    def add(self, record: Any) -> None:
        self.records += 1
        if record.HasField("history"):
            self._add_row(record.history)
        elif record.HasField("run"):
            self._configure(record.run.config)
        elif record.HasField("config"):
            self._configure(record.config)
        elif record.HasField("exit"):
            self.exit_code = record.exit.exit_code

    def _add_row(self, history: Any) -> None:
        found = {path: value for item in history.item for path, value in wandb_records.leaves(item)}
        # An object, such as a histogram, is a dictionary that names its own type.
        objects = {path[:-1]: kind for path, kind in found.items() if path[-1] == "_type"}
        cells: dict[str, Cell] = {
            ".".join(path): value
            for path, value in found.items()
            if isinstance(value, (int, float, str)) and path[:-1] not in objects
        }
        cells.pop(_OWN, None)
        if history.HasField("step"):
            cells.setdefault(_STEP, history.step.num)
        self.histograms.begin_row(len(self.rows), _as_step(cells.get(_STEP)))
        for path, kind in objects.items():
            self.histograms.add(".".join(path), kind)
        self.rows.add(self.records, cells)

    def _configure(self, config: Any) -> None:
        for item in config.update:
            for path, value in wandb_records.leaves(item):
                if path[0] != _OWN:
                    self.config[".".join(path)] = value
        for item in config.remove:
            self.config.pop(".".join(wandb_records.keys(item)), None)

    def damage(self, file: str) -> tuple[Lost, ...]:
        """Which bytes could not be read."""
        return tuple(Lost(file, first, stop) for first, stop in self.lost)

    def ending(self) -> Iterator[str]:
        """How the script ended, unless it did so well."""
        if self.exit_code:
            yield f"the script ended with exit code {self.exit_code}"
        elif self.exit_code is None:
            yield "the log has no end: the run was killed or still goes on"


def _as_step(cell: Cell) -> int:
    return int(cell) if isinstance(cell, (int, float)) and math.isfinite(cell) else 0


def _read(file: Path) -> _Log:
    from google.protobuf.message import (  # type: ignore[import-untyped]  # noqa: PLC0415
        DecodeError,
    )

    parse = wandb_records.parser()
    log = _Log()
    with file.open("rb") as opened:
        for start, stop, payload in read_records(opened):
            if payload is None:
                log.lost.append((start, stop))
                continue
            try:
                log.add(parse(payload))
            except DecodeError:
                log.lost.append((start, stop))
    return log


def _in_order(table: Table) -> Table:
    """The columns by name, the step first: W&B writes those of a row in random order."""
    columns = sorted(table.columns, key=lambda column: (column.name != _STEP, column.name))
    texts = sorted(table.texts, key=lambda column: column.name)
    return dataclasses.replace(table, columns=tuple(columns), texts=tuple(texts))


def _nothing_in(log: _Log, file: Path) -> NotALog:
    if log.lost and not log.records:
        return NotALog("not a W&B run log: no intact record in it", broken=True)
    if log.records:
        return NotALog("the run logged nothing to W&B", broken=bool(log.lost))
    empty = file.stat().st_size <= FILE_HEADER
    why = "the run was killed before W&B wrote anything, or has just begun"
    return NotALog(why if empty else "not a W&B run log", broken=not empty)
