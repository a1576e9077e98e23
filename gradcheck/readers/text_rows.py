"""Takes a text log line by line, and sorts what is measured in it into rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gradcheck.model import Message
from gradcheck.readers import text_messages
from gradcheck.readers.table_steps import is_step_name
from gradcheck.readers.text_kinds import Counter, Kind, Kinds
from gradcheck.readers.text_numbers import Split, split
from gradcheck.readers.text_tables import Boxes, Headers
from gradcheck.readers.text_templates import Plan, Reading, Templates, read

# What a line that only counts may say of the lines below it; `epochs: 30` is a setting.
_HEADINGS = frozenset(
    {"epoch", "ep", "step", "iter", "iteration", "batch", "update", "global step"}
)


@dataclass(frozen=True)
class _Row:
    line: int
    reading: Reading
    counts: tuple[Counter, ...]
    measured: Mapping[str, float]


class RowMaker:
    """Takes the lines of a log one by one."""

    def __init__(self) -> None:
        self._kinds = Kinds()
        self._templates = Templates()
        self._boxes = Boxes()
        self._headers = Headers()
        self._listener = text_messages.Listener()
        self._heading: dict[str, Counter] = {}
        self._last: _Row | None = None

    def take(self, number: int, line: str) -> None:
        """Take a line."""
        parts = split(line)
        plan = self._templates.plan(parts)
        if plan.speaks or self._listener.in_traceback:
            skipped = self._listener.take(number, line)
            if skipped is not None:
                self._add(number, (), skipped)
                return
        if not self._take_table(number, line, has_numbers=bool(parts.runs)):
            self._take_reading(number, parts, plan)

    def _take_table(self, number: int, line: str, *, has_numbers: bool) -> bool:
        """Whether a line belongs to a table, or is without numbers and may head one."""
        if self._boxes.take(number, line):
            return True
        box = self._boxes.close()
        if box is not None:
            self._add_cells(*box)
        if not has_numbers:
            self._headers.take_words(line)
            return True
        row = self._headers.take_numbers(line)
        if row is not None:
            self._add_cells(number, row)
        return row is not None

    def finish(self) -> tuple[tuple[Kind, ...], tuple[Message, ...]]:
        """The rows by kind, and what the log says besides."""
        box = self._boxes.close()
        if box is not None:
            self._add_cells(*box)
        self._flush()
        return self._kinds.all(), self._listener.said

    def _take_reading(self, number: int, line: Split, plan: Plan) -> None:
        reading = read(line, plan)
        if not reading.measured:
            self._headers.take_words(line.line)
            if not plan.bar:
                headings = (count for count in reading.counted if count.name in _HEADINGS)
                self._heading.update((count.name, count) for count in headings)
            return
        prefix = "" if reading.rank is None else f"rank {reading.rank}/"
        measured = {f"{prefix}{name}": value for name, value in reading.measured}
        row = _Row(number, reading, self._with_heading(reading.counted), measured)
        if not self._is_redrawn(row):
            self._flush()
        self._last = row

    def _is_redrawn(self, row: _Row) -> bool:
        """Whether a progress bar shows the same place once more, with newer numbers."""
        last = self._last
        return (
            last is not None
            and last.line == row.line
            and last.reading.plan is row.reading.plan
            and last.counts == row.counts
        )

    def _add_cells(self, number: int, cells: Mapping[str, float]) -> None:
        counts = [Counter(name, value) for name, value in cells.items() if is_step_name(name)]
        rest = {name: value for name, value in cells.items() if not is_step_name(name)}
        if rest:
            self._add(number, counts, rest)

    def _add(self, number: int, counts: Sequence[Counter], measured: Mapping[str, float]) -> None:
        self._flush()
        self._kinds.add(number, self._with_heading(counts), measured, own=bool(counts))

    def _flush(self) -> None:
        row, self._last = self._last, None
        if row is not None:
            own = bool(row.reading.counted)
            self._kinds.add(row.line, row.counts, row.measured, own=own)

    def _with_heading(self, counts: Sequence[Counter]) -> tuple[Counter, ...]:
        own = {count.name for count in counts}
        return (*(c for name, c in self._heading.items() if name not in own), *counts)


def rows_of(lines: Iterable[tuple[int, str]]) -> tuple[tuple[Kind, ...], tuple[Message, ...]]:
    """The rows of a log by kind, and its messages, from its numbered lines."""
    maker = RowMaker()
    for number, line in lines:
        maker.take(number, line)
    return maker.finish()
