"""Reads JSON lines: detectron2, mmengine, DeiT, LLaMA-Factory, SB3, RLlib, spaCy, StyleGAN, any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from gradcheck.errors import NotALog
from gradcheck.model import Run
from gradcheck.readers import json_files, json_head
from gradcheck.readers.base import Candidate, Reader, Source
from gradcheck.readers.json_records import read_records
from gradcheck.readers.json_runs import joined, run_of_records
from gradcheck.readers.json_text import start_of_record, text_of

_ONLY_LINES = frozenset({".jsonl", ".ndjson", ".jsonlines"})
_MAYBE_LINES = frozenset({".json", ".log", ".txt", ""})


class _JsonLines:
    def claims(self, candidate: Candidate) -> bool:
        suffix = candidate.path.suffix.lower()
        if suffix not in _ONLY_LINES | _MAYBE_LINES or b"{" not in candidate.head:
            return False
        records, others, cut = json_head.records_in(candidate.head)
        if not records:
            return cut and not others and _begins_with_long_record(candidate)
        if suffix == ".json" and len(records) + others == 1 and not cut:
            return False  # one record is a document
        if others > len(records) and suffix not in _ONLY_LINES:
            return False
        named = suffix not in (".log", ".txt", "") and json_head.sounds_like_log(candidate)
        return named or any(map(json_head.is_of_log, records))

    def group(self, files: Sequence[Path], root: Path) -> Iterable[Source]:
        return json_files.group_lines(files, root)

    def read(self, source: Source) -> Run:
        file, *others = source.files
        if source.path == file:
            repeats = tuple(f"{other.name} repeats {file.name}" for other in others)
            return run_of_records(read_records(file), source.path, repeats)
        return joined(source.path, [_attempt(file) for file in source.files])


READER: Reader = _JsonLines()


def _begins_with_long_record(candidate: Candidate) -> bool:
    """Whether the first record goes on beyond the head; a `.json` is then left to the documents."""
    name = candidate.path.name.lower()
    if start_of_record(text_of(candidate.head)) < 0:
        return False
    if name.endswith(".json") and not name.endswith(".log.json"):
        return False
    return json_head.sounds_like_log(candidate) or json_head.is_telling(
        json_head.names_in(candidate.head)
    )


def _attempt(file: Path) -> Run:
    try:
        return run_of_records(read_records(file), file)
    except NotALog as error:
        return Run(file, "jsonl", (), notes=(str(error),))
