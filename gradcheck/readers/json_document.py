"""Reads JSON documents: Hugging Face, Megatron's golden values, Keras, AllenNLP, pandas, lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from gradcheck.errors import NotALog
from gradcheck.model import Run
from gradcheck.readers import json_files, json_head, json_layouts, json_trainer_state
from gradcheck.readers.base import Candidate, Reader, Source
from gradcheck.readers.json_cells import flat_cells
from gradcheck.readers.json_records import Records, read_records
from gradcheck.readers.json_runs import joined, run_of_records, run_of_rows
from gradcheck.readers.json_text import cut_document_of, document_of, text_of
from gradcheck.readers.table import TableBuilder

_LAYOUTS = (b'"log_history"', b'"step_interval"')


class _JsonDocuments:
    def claims(self, candidate: Candidate) -> bool:
        name, head = candidate.path.name, candidate.head
        if candidate.path.suffix.lower() != ".json":
            return False
        if text_of(head).lstrip()[:1] not in ("{", "["):
            return False
        if name == json_files.TRAINER_STATE or json_files.EPOCH_FILE.match(name):
            return True
        if json_files.TAG_FILE.match(name) or any(layout in head for layout in _LAYOUTS):
            return True
        if _is_lines(candidate):
            return False
        return json_head.sounds_like_log(candidate) or json_head.has_columns_of_log(head)

    def group(self, files: Sequence[Path], root: Path) -> Iterable[Source]:
        return json_files.group_documents(files, root)

    def read(self, source: Source) -> Run:
        first = source.files[0]
        if first.name == json_files.TRAINER_STATE:
            return json_trainer_state.read(source)
        if json_files.EPOCH_FILE.match(first.name):
            return _read_epochs(source)
        if len(source.files) > 1:
            return joined(source.path, [_attempt(file) for file in source.files])
        return _read_file(first, source.path)


READER: Reader = _JsonDocuments()


def _is_lines(candidate: Candidate) -> bool:
    """Whether the document ends on the first line and the next begins another."""
    records, others, cut = json_head.records_in(candidate.head)
    return len(records) > others and (cut or len(records) + others > 1)


def _attempt(file: Path) -> Run:
    try:
        return _read_file(file, file)
    except NotALog as error:
        return Run(file, "json", (), notes=(str(error),))


def _read_file(file: Path, path: Path) -> Run:
    cut: tuple[str, ...] = ()
    try:
        document, more = document_of(file)
    except NotALog as error:
        lines = _lines_of(file)
        if lines is not None:
            return run_of_records(lines, path, (f"begins with a damaged record: {error}",))
        document, more = cut_document_of(file), False
        if document is None:
            raise
        cut = ("the document has no end: what was written before it breaks off was read",)
    if more:  # a first record longer than the head, and others on the lines below
        return run_of_records(read_records(file), path)
    if isinstance(document, dict) and isinstance(document.get("log_history"), list):
        return json_trainer_state.run_of_state(document, path)
    tagged = json_files.TAG_FILE.match(file.name)
    table, notes = json_layouts.rows_of(document, tagged["tag"] if tagged else file.stem)
    settings = json_layouts.settings_of(document)
    return run_of_rows(table, path, "json", hparams=settings, notes=(*notes, *cut))


def _lines_of(file: Path) -> Records | None:
    """The records of a file of lines, the first of which is damaged; None where it is no such."""
    try:
        records = read_records(file)
    except NotALog:
        return None
    return records if records.table.rows > 1 else None


def _read_epochs(source: Source) -> Run:
    """AllenNLP's metrics, a file for each epoch."""
    builder = TableBuilder()
    notes = []
    for epoch, file in sorted((json_files.epoch_of(file), file) for file in source.files):
        try:
            document, _ = document_of(file)
        except NotALog as error:
            notes.append(f"{file.name}: {error}")
            continue
        if isinstance(document, dict):
            builder.add(len(builder) + 1, flat_cells({**document, "epoch": epoch}))
    return run_of_rows(builder.finish(), source.path, "json", notes=tuple(notes))
