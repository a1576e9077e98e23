"""Tells the settings of a run from what it logs, where both are records of one file."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import numpy as np

from gradcheck.model import IntArray, Role
from gradcheck.readers import role_names
from gradcheck.readers.table import BoolArray, Column, Table, TextColumn
from gradcheck.readers.table_steps import is_step_name

NAMES = frozenset({"config", "cfg", "args", "hparams", "hyperparameters", "settings"})
"""What an object of settings inside a record or a document is called."""
_MOST_LEADING = 100


def take_settings(table: Table) -> tuple[Table, dict[str, object]]:
    """The table without its settings, and these by name.

    Settings are what records before the first step hold, if some of it never comes again, and
    what an object called `config` or the like repeats in every record.
    """
    rows = _rows_of_settings(table)
    constant = {column.name for column in table.columns if _is_constant_setting(column)}
    if not len(rows) and not constant:
        return table, {}
    settings: dict[str, object] = {}
    columns, texts = list(table.columns), list(table.texts)
    for index, column in enumerate(columns):
        said = np.isin(column.row, rows) | (column.name in constant)
        if said.any():
            settings[column.name] = _tidy(float(column.value[said][0]))
            columns[index] = _kept(column, ~said)
    for index, text in enumerate(texts):
        said = np.isin(text.row, rows)
        if said.any():
            settings[text.name] = text.text[int(np.flatnonzero(said)[0])]
            texts[index] = _without(text, said)
    return dataclasses.replace(table, columns=tuple(columns), texts=tuple(texts)), settings


def _rows_of_settings(table: Table) -> IntArray:
    counters = [c for c in table.columns if is_step_name(c.name) and c.share(table.rows) >= 0.5]
    leading = min((int(column.row[0]) for column in counters), default=0)
    if not 0 < leading <= _MOST_LEADING:
        return np.zeros(0, dtype=np.int64)
    rows = [column.row for column in table.columns] + [text.row for text in table.texts]
    never_again = [row for row in rows if len(row) and row[-1] < leading]
    return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *never_again]))


def _is_constant_setting(column: Column) -> bool:
    within, _, name = column.name.partition("/")
    if not name or within.lower() not in NAMES or not len(column.value):
        return False
    return bool((column.value == column.value[0]).all())


def _tidy(value: float) -> object:
    return int(value) if value.is_integer() else value


def _kept(column: Column, keep: BoolArray) -> Column:
    return dataclasses.replace(column, row=column.row[keep], value=column.value[keep])


def _without(text: TextColumn, said: BoolArray) -> TextColumn:
    keep = np.flatnonzero(~said).tolist()
    return TextColumn(text.name, text.row[keep], tuple(text.text[index] for index in keep))


def counted(table: Table) -> tuple[Table, tuple[str, ...]]:
    """The table with its rows counted, if nothing else counts them and it logs a loss."""
    if any(is_step_name(column.name) for column in table.columns) or not _logs_loss(table.columns):
        return table, ()
    rows = np.arange(table.rows, dtype=np.int64)
    step = Column("step", rows, rows.astype(np.float64), np.zeros(0, dtype=np.int64))
    note = "no step or epoch in it: the rows are counted instead, from 0"
    return dataclasses.replace(table, columns=(*table.columns, step)), (note,)


def _logs_loss(columns: Collection[Column]) -> bool:
    return any(len(c.row) > 1 and role_names.meaning(c.name).role is Role.LOSS for c in columns)
