"""A page of terminal text: whatever is put on it is escaped, wrapped and fitted to the canvas."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gradcheck.reports.base import Canvas
from gradcheck.reports.escape import ascii_only, safe

Part = str | tuple[str, str]
"""Text, or text with a style."""


class Page:
    """Collects lines; `finish` gives them as one string."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self._file = io.StringIO()
        self._console = Console(
            file=self._file,
            width=canvas.width,
            force_terminal=canvas.colour,
            color_system="standard" if canvas.colour else None,
            no_color=not canvas.colour,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
        )

    @property
    def width(self) -> int:
        """How many characters a line holds."""
        return self.canvas.width

    def text(self, *parts: Part) -> Text:
        """Escaped text for `put` or a table."""
        text = Text()
        for part in parts:
            content, style = (part, "") if isinstance(part, str) else part
            text.append(self.fit(content), style)
        return text

    def fit(self, content: str) -> str:
        """The content in characters that the output can show."""
        return safe(content) if self.canvas.unicode else ascii_only(safe(content))

    def line(self, *parts: Part, indent: int = 0) -> None:
        """One paragraph, wrapped."""
        self.put(Padding(self.text(*parts), (0, 0, 0, indent)))

    def item(self, mark: Part, *parts: Part, indent: int = 0, gap: int = 1) -> None:
        """A paragraph beside its mark, such as a bullet or a number."""
        grid = Table.grid(padding=(0, gap, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(self.text(mark), self.text(*parts))
        self.put(Padding(grid, (0, 0, 0, indent)))

    def heading(self, title: str) -> None:
        """A section title with a blank line before it."""
        self.blank()
        self.line((title, "bold"))

    def code(self, snippet: str, indent: int = 0) -> None:
        """An indented snippet, its colours only where there are any."""
        source = "\n".join(self.fit(line.expandtabs(4)) for line in snippet.strip().splitlines())
        block = _highlighted(source) if self.canvas.colour else Text(source)
        self.put(Padding(block, (0, 0, 0, indent)))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Text]]) -> None:
        """Columns under a dim header; the last one takes what is left of the width."""
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for title in header[:-1]:
            table.add_column(title, no_wrap=True, overflow="crop")
        table.add_column(header[-1], overflow="fold")
        for row in rows:
            table.add_row(*row)
        self.put(table)

    def rule(self) -> None:
        """A line across the page."""
        self.line((("─" if self.canvas.unicode else "-") * self.width, "dim"))

    def blank(self) -> None:
        """An empty line."""
        self._console.print()

    def put(self, renderable: RenderableType) -> None:
        """Anything that rich can draw; its text must have come from `text` or `fit`."""
        self._console.print(renderable)

    def finish(self) -> str:
        """The whole page."""
        lines = self._file.getvalue().splitlines()
        return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def _highlighted(source: str) -> RenderableType:
    from rich.syntax import Syntax  # noqa: PLC0415 - slow, and plain reports need no lexers

    return Syntax(source, "python", theme="ansi_dark", background_color="default", word_wrap=True)
