"""Reads the tables that a log draws: boxes of name and number, and rows under a header line."""

from __future__ import annotations

import re

from gradcheck.readers import role_names, text_numbers
from gradcheck.readers.table import number
from gradcheck.readers.table_steps import is_step_name

_BOX = re.compile(r"^\s*[|│┃](?P<name>[^|│┃]*)[|│┃](?P<value>[^|│┃]*)[|│┃]\s*$")
_RULE = re.compile(r"^[\s|+:=─━┼├┤┬┴╞╪╡┏┓┡╇┩┗┛┌┐└┘-]+$")
_BARS = ("|", "│", "┃")
_EDGES = "|│┃ \t"
_COLUMNS = re.compile(r"\s*[|│┃]\s*|\s{2,}|\t+")
_WORD = re.compile(r"\S+")
_OF = re.compile(r"^(\d+)/\d+$")
_UNIT = re.compile(r"^([-+]?[\d.]+(?:[eE][-+]?\d+)?)[A-Za-z%]{1,3}$")
# A quick look for a name that `is_step_name` may know.
_MAY_COUNT = re.compile(
    r"#|epoch|step|it(?:er|\b|r)|batch|updates|round|episode|kimg|sample|token|generation"
    r"|\be(?:p\b|\b)",
    re.IGNORECASE,
)
_LONGEST = 1000
_BETWEEN = 2
"""Spaces between the columns of Chainer's tables."""
_PATIENCE = 3
"""Lines between a header and its first row."""

Cells = dict[str, float]


class Boxes:
    """Collects the lines of a box, such as stable-baselines3 prints, into one row."""

    def __init__(self) -> None:
        self._section = ""
        self._cells: Cells = {}
        self._line = 0

    def take(self, number_of_line: int, line: str) -> bool:
        """Whether a line belongs to a box; its number is kept until `close`."""
        box = _BOX.match(line) if line.lstrip()[:1] in _BARS else None
        if box is None:
            return False
        self._line = number_of_line
        name, value = box["name"].strip(), number(box["value"].strip())
        if value is None:
            self._section = name if name.endswith("/") and not box["value"].strip() else ""
            return bool(self._section or self._cells)
        indented = box["name"].startswith("  ")
        self._cells[f"{self._section}{name}" if indented else name] = value
        return True

    def close(self) -> tuple[int, Cells] | None:
        """The last line and the row of the box that has ended, None where there was none."""
        if not self._cells:
            return None
        cells, self._cells, self._section = self._cells, {}, ""
        return self._line, cells


class Headers:
    """Remembers the last line that may head a table, and reads the rows under it."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._line = ""
        self._age = 0
        self._rows = 0

    def take_words(self, line: str) -> None:
        """Consider a line without numbers: a header, a rule below one, or neither."""
        if not line.strip() or _RULE.match(line):
            return
        may_head = len(line) < _LONGEST and _MAY_COUNT.search(line)
        names = _split(line) if may_head else []
        if len(names) > 1 and any(_counts(name) for name in names):
            self._names, self._age, self._rows = names, 0, 0
            self._line = line
        else:
            self._forget_in_time()

    def take_numbers(self, line: str) -> Cells | None:
        """The row that a line is, or None where it is no row of the table at hand."""
        if not self._names:
            return None
        bar = text_numbers.BAR.search(line) if "%|" in line else None
        row = line[: bar.start()].rstrip(": ") if bar else line
        texts = row.strip(_EDGES).replace("|", " ").split()
        if len(texts) < len(self._names):
            texts = _at_columns(row, self._line, self._names) or texts
        cells = [_cell(text) for text in texts]
        values = [cell for cell in cells if cell is not None]
        filled = sum(text != "" for text in texts)
        if len(cells) != len(self._names) or 2 * len(values) <= filled or cells[0] is None:
            self._forget_in_time()
            return None
        self._rows += 1
        found = {
            "step" if name == "#" else name: value
            for name, value in zip(self._names, cells, strict=True)
            if value is not None
        }
        return {**found, "iter": float(bar["at"])} if bar and bar["at"].isdigit() else found

    def _forget_in_time(self) -> None:
        self._age += 1
        if self._age > _PATIENCE and not self._rows:
            self._names = []


def _split(line: str) -> list[str]:
    inner = line.strip(_EDGES)
    names = [name for name in _COLUMNS.split(inner) if name]
    if len(names) > 1:
        return names
    words = inner.split()
    return words if all(re.fullmatch(r"[A-Za-z_#][\w/#.@-]*", word) for word in words) else []


def _at_columns(row: str, header: str, names: list[str]) -> list[str] | None:
    """The cells of a row by the names that they stand under, "" where none stands.

    None where a cell does not begin where a name does. A cell that is wider than its column moves
    those behind it to the right.
    """
    begins: list[int] = []
    for name in names:
        begins.append(header.index(name, begins[-1] + 1 if begins else 0))
    cells, column, moved = [""] * len(names), -1, 0
    for found in _WORD.finditer(row):
        rest = range(column + 1, len(names))
        column = next((c for c in rest if 0 <= found.start() - begins[c] <= moved), -1)
        if column < 0:
            return None
        cells[column] = found[0]
        if column + 1 < len(names):
            width = begins[column + 1] - begins[column] - _BETWEEN
            moved += max(0, len(found[0]) - width)
    return cells if sum(map(bool, cells)) > 1 else None


def _counts(name: str) -> bool:
    return name == "#" or (is_step_name(name) and bool(role_names.tokens(name)))


def _cell(text: str) -> float | None:
    part = _OF.match(text) or _UNIT.match(text)
    return number(part[1] if part else text)
