"""Takes a text log line by line, and sorts what is measured in it into rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gradcheck.model import Message
from gradcheck.readers import text_messages
from gradcheck.readers.table_steps import is_step_name, preference
from gradcheck.readers.text_kinds import Counter, Kind, Kinds, Origin
from gradcheck.readers.text_lines import Line
from gradcheck.readers.text_names import TRAIN, in_split
from gradcheck.readers.text_numbers import Split, split
from gradcheck.readers.text_plans import WITHIN, Plan
from gradcheck.readers.text_ranks import name_of
from gradcheck.readers.text_tables import Boxes, Headers
from gradcheck.readers.text_templates import Reading, Templates, read

# What a line that only counts may say of the lines below it; `epochs: 30` is a setting.
_HEADINGS = frozenset(
    {"epoch", "ep", "step", "iter", "iteration", "batch", "update", "global step"}
)


@dataclass(frozen=True)
class _Row:
    line: int
    place: int
    origin: Origin
    bar: bool
    counts: tuple[Counter, ...]
    measured: Mapping[str, float]


@dataclass(frozen=True)
class _Heading:
    line: int
    count: Counter


class RowMaker:
    """Takes the lines of a log one by one."""

    def __init__(self) -> None:
        self._kinds = Kinds()
        self._templates = Templates()
        self._boxes = Boxes()
        self._headers = Headers()
        self._listener = text_messages.Listener()
        self._heading: dict[str, _Heading] = {}
        self._section: str | None = None  # what a heading such as `Validating` announced
        self._spoken: str | None = None  # the part of the data that a line spoke of last
        self._last: _Row | None = None
        self._place = 0

    def take(self, line: Line) -> None:
        """Take a line."""
        number, self._place, text = line
        parts = split(text)
        plan = self._templates.plan(parts)
        if plan.speaks or self._listener.in_traceback:
            skipped = self._listener.take(number, text)
            if skipped is not None:
                self._add(number, (), skipped, own=True)
                return
        if not self._take_table(number, text, plan, has_numbers=bool(parts.runs)):
            self._take_reading(number, parts, plan)

    def finish(self) -> tuple[tuple[Kind, ...], tuple[Message, ...]]:
        """The rows by kind, and what the log says besides."""
        box = self._boxes.close()
        if box is not None:
            self._add_cells(*box)
        self._flush()
        self._listener.finish()
        return self._kinds.all(), self._listener.said

    def _take_table(self, number: int, line: str, plan: Plan, *, has_numbers: bool) -> bool:
        """Whether a line belongs to a table, or is without numbers and may head one."""
        if self._boxes.take(number, line):
            return True
        box = self._boxes.close()
        if box is not None:
            self._add_cells(*box)
        if not has_numbers:
            self._take_words(line, plan)
            return True
        row = self._headers.take_numbers(line)
        if row is not None:
            self._add_cells(number, row)
        return row is not None

    def _take_words(self, line: str, plan: Plan) -> None:
        if line and not line.isspace():
            self._headers.take_words(line)
            self._section = plan.section or self._section
        else:
            self._section = None

    def _take_reading(self, number: int, line: Split, plan: Plan) -> None:
        self._spoken = plan.split or self._spoken
        reading = read(line, plan)
        if not reading.measured:
            self._take_words(line.line, plan)
            if not plan.bar:
                self._take_heading(number, reading.counted)
            return
        counted, split = self._in_section(reading)
        measured = dict(reading.measured)
        if split is not None:
            measured = {in_split(name, split): value for name, value in measured.items()}
        if reading.rank is not None:
            measured = {name_of(name, reading.rank): value for name, value in measured.items()}
        counts, begins = self._with_heading(number, counted)
        origin = Origin(bool(counted), begins, line.key)
        row = _Row(number, self._place, origin, plan.bar, counts, measured)
        if self._starts_anew(row):
            return
        if not self._is_redrawn(row):
            self._flush()
        self._last = row

    def _take_heading(self, number: int, counted: Sequence[Counter]) -> None:
        found = [count for count in counted if count.name in _HEADINGS]
        self._heading.update((count.name, _Heading(number, count)) for count in found)
        if found:
            self._section = None

    def _in_section(self, reading: Reading) -> tuple[tuple[Counter, ...], str | None]:
        """What a line counts, and the part of the data that the lines above say it speaks of."""
        if reading.plan.split is not None:
            return reading.counted, None
        if reading.plan.sums_up:
            return reading.counted, self._spoken
        if self._section is None or self._section in TRAIN:
            return reading.counted, None
        counted = tuple(count for count in reading.counted if count.name not in WITHIN)
        return (counted, None) if counted else (counted, self._section)

    def _is_redrawn(self, row: _Row) -> bool:
        """Whether a progress bar shows the same place once more."""
        last = self._last
        if last is None or not (row.bar and last.bar and row.counts) or last.counts != row.counts:
            return False
        # On another line it may be the bar of another process.
        if row.place != last.place:
            return last.measured.items() <= row.measured.items()
        return last.measured.keys() <= row.measured.keys()

    def _starts_anew(self, row: _Row) -> bool:
        """Whether a progress bar at 0 still shows what it showed at the end of the last loop."""
        if self._last is None or not (row.bar and self._last.bar):
            return False
        at_start = any(count.value == 0 and count.total for count in row.counts)
        return at_start and self._last.measured == row.measured

    def _add_cells(self, number: int, cells: Mapping[str, float]) -> None:
        counts = [Counter(name, value) for name, value in cells.items() if is_step_name(name)]
        rest = {name: value for name, value in cells.items() if not is_step_name(name)}
        if rest:
            self._add(number, counts, rest, own=bool(counts))

    def _add(
        self,
        number: int,
        counts: Sequence[Counter],
        measured: Mapping[str, float],
        *,
        own: bool,
    ) -> None:
        self._flush()
        told, begins = self._with_heading(number, counts)
        self._kinds.add(number, told, measured, Origin(own, begins, ""))

    def _flush(self) -> None:
        row, self._last = self._last, None
        if row is not None:
            self._kinds.add(row.line, row.counts, row.measured, row.origin)

    def _with_heading(
        self, number: int, counts: Sequence[Counter]
    ) -> tuple[tuple[Counter, ...], int]:
        """The counts of a line and of the headings above it, and the line that they begin on."""
        if not self._heading:
            return tuple(counts), number
        for count in counts:
            self._supersede(number, count)
        own = {count.name for count in counts}
        above = [heading for name, heading in self._heading.items() if name not in own]
        begins = min([heading.line for heading in above], default=number)
        return (*(heading.count for heading in above), *counts), begins

    def _supersede(self, number: int, count: Counter) -> None:
        """Forget what an earlier heading counted, where a line counts the same anew."""
        if count.name in self._heading:
            self._heading[count.name] = _Heading(number, count)
        elif count.name not in WITHIN and preference(count.name)[0] == "step":
            for name in [name for name in self._heading if preference(name)[0] == "step"]:
                del self._heading[name]


def rows_of(lines: Iterable[Line]) -> tuple[tuple[Kind, ...], tuple[Message, ...]]:
    """The rows of a log by kind, and its messages, from its numbered lines."""
    maker = RowMaker()
    for line in lines:
        maker.take(line)
    return maker.finish()
