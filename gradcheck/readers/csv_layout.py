"""Tells which tables are parts of one run, and which tables hold several runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path

from gradcheck.errors import NotALog
from gradcheck.model import Role
from gradcheck.readers import role_names
from gradcheck.readers.base import Source
from gradcheck.readers.csv_cells import has_header, parse_header
from gradcheck.readers.table_steps import is_step_name

_HEAD = 1 << 16
# TensorBoard's "Download CSV" keeps the name of the metric in the file name only.
_TENSORBOARD_FILE = re.compile(r"(?P<run>run-.*?)-tag-(?P<tag>.+)$")
# torchrl's CSVLogger: a file without a header for each metric, whose slashes become directories.
_SCALARS = "scalars"
# DeepSpeed's monitor keeps the groups of a metric in the file name only.
_MONITORED = re.compile(r"(?P<groups>Train_Samples)_(?P<name>.+)$")
_RANGE = re.compile(r"__(MIN|MAX)$")
_SPLITS = role_names.TRAINING | role_names.VALIDATION


def metric_of(file: Path) -> str:
    """The name of the only metric in a file, as its file name tells it."""
    tagged = _TENSORBOARD_FILE.match(file.stem)
    scalars = _scalars(file)
    if scalars is not None:
        return file.relative_to(scalars).with_suffix("").as_posix()
    return tagged["tag"] if tagged else file.stem


def full_name(column: str, file: Path) -> str:
    """The name of a metric with the groups that only its file name tells."""
    monitored = _MONITORED.match(file.stem)
    if monitored is None or monitored["name"] != column:
        return column
    return f"{monitored['groups'].replace('_', '/')}/{column}"


def _scalars(file: Path) -> Path | None:
    """The directory of torchrl's tables that a file lies in or below."""
    found = next((parent for parent in file.parents if parent.name == _SCALARS), None)
    if found is None:
        return None
    with file.open("rb") as opened:
        return None if has_header(opened.read(_HEAD)) else found


def group(files: Iterable[Path], root: Path) -> list[Source]:
    """Sort tables into runs."""
    if root.is_file():
        return _runs_in(root)
    places: dict[Path, dict[Path, frozenset[str]]] = {}
    for file in sorted(files):
        places.setdefault(_place(file), {})[file] = _metrics(file)
    return [
        source
        for place, tables in sorted(places.items())
        for part in _parts(tables)
        for source in ([Source(place, tuple(part))] if len(part) > 1 else _runs_in(part[0]))
    ]


def _place(file: Path) -> Path:
    tagged = _TENSORBOARD_FILE.match(file.stem)
    if tagged:
        return file.parent / tagged["run"]
    return _scalars(file) or file.parent


def _metrics(file: Path) -> frozenset[str]:
    """What a table measures; nothing where it cannot be a log."""
    try:
        header = _header(file)
    except NotALog:
        return frozenset()
    metrics = frozenset(name for name in header if not counts(name))
    untimed = frozenset(name for name in metrics if "time" not in role_names.tokens(name))
    return (untimed or metrics) if len(metrics) < len(header) else frozenset()


def _header(file: Path) -> tuple[str, ...]:
    with file.open("rb") as opened:
        return parse_header(opened.read(_HEAD), metric_of(file))


def counts(name: str) -> bool:
    """Whether a column of this name counts the rows or the steps."""
    return is_step_name(name) or not role_names.tokens(name)


def _parts(tables: Mapping[Path, frozenset[str]]) -> Iterable[list[Path]]:
    """Tables that measure different things, or the same in training and validation, belong."""
    logs = {file: metrics for file, metrics in tables.items() if metrics}
    yield from ([file] for file in tables if file not in logs)
    if len(logs) > 1 and (_complement(logs) or is_split(logs)):
        yield list(logs)
        return
    excerpts = [file for file in logs if any(_is_excerpt(file, of, logs) for of in logs)]
    for file in logs:
        if file not in excerpts:
            yield [file, *(e for e in excerpts if _is_excerpt(e, file, logs))]


def _complement(logs: Mapping[Path, frozenset[str]]) -> bool:
    disjoint = not any(one & other for one, other in combinations(logs.values(), 2))
    trained = sum(any(_is_train_loss(name) for name in metrics) for metrics in logs.values())
    return disjoint and (trained < 2 or all(len(metrics) == 1 for metrics in logs.values()))


def _is_train_loss(name: str) -> bool:
    return role_names.meaning(name).role is Role.LOSS


def is_split(logs: Iterable[Path]) -> bool:
    """Whether tables differ only in the split that their file names tell: train, val, ..."""
    stems = [role_names.tokens(file.stem) for file in logs]
    rests = {" ".join(word for word in stem if word not in _SPLITS) for stem in stems}
    splits = {split_of(file) for file in logs}
    return len(rests) == 1 and len(splits) == len(stems) and None not in splits


def split_of(file: Path) -> str | None:
    """The split that a file is about, as its file name tells it: train, val, ..."""
    return next((word for word in role_names.tokens(file.stem) if word in _SPLITS), None)


def _is_excerpt(file: Path, of: Path, logs: Mapping[Path, frozenset[str]]) -> bool:
    """Whether a table repeats columns of another, as AlgoPerf's `eval_measurements.csv` does."""
    return logs[file] < logs[of] and file.stem.endswith(f"_{of.stem}")


def _runs_in(file: Path) -> list[Source]:
    """The runs of a table exported from W&B, else the table as one run."""
    runs = runs_of(_header(file)) if _metrics(file) else {}
    if len(runs) < 2:
        return [Source(file, (file,))]
    return [Source(file / run, (file,)) for run in runs]


def runs_of(header: Iterable[str]) -> dict[str, dict[str, str]]:
    """The columns of a W&B export: for each run its columns, and the metric in each.

    The export names them `<run> - <metric>` and adds the range over which it averaged.
    """
    runs: dict[str, dict[str, str]] = {}
    for name in header:
        run, dash, metric = name.rpartition(" - ")
        if not dash and not counts(name):
            return {}
        if dash and not _RANGE.search(metric) and metric != "_step":
            runs.setdefault(run, {})[name] = metric
    return runs
