"""Shows the catalogue of causes, or the documentation of one of them."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gradcheck.errors import UsageError

if TYPE_CHECKING:
    from gradcheck.catalogue import Entry
    from gradcheck.model import Remedy


def overview(entries: Sequence[Entry]) -> RenderableType:
    """Every cause with its summary, by family."""
    parts: list[RenderableType] = []
    for family, members in itertools.groupby(entries, key=lambda entry: entry.family):
        parts += [Text(family.value, style="bold"), Padding(_rows(list(members)), (0, 0, 1, 2))]
    parts.append(Text("gradcheck explain CAUSE says more about one of them.", style="dim"))
    return Group(*parts)


def article(entry: Entry) -> RenderableType:
    """What happens, how it looks, what fixes it, and which observations count for or against."""
    parts: list[RenderableType] = [
        Text.assemble((entry.name, "bold"), f"  ({entry.family.value})"),
        Markdown(entry.docs, hyperlinks=False),
    ]
    if entry.remedies:
        parts += [Text("\nWhat to change", style="bold"), _remedies(entry.remedies)]
    if entry.weights:
        title = Text("\nHow the evidence weighs", style="bold")
        title.append(" (log-odds: +1 makes the cause 2.7 times as likely)", style="not bold dim")
        parts += [title, _weights(entry.weights)]
    return Group(*parts)


def find(entries: Sequence[Entry], name: str) -> Entry:
    """The entry of that name; otherwise an error that offers the nearest ones."""
    names = [entry.name for entry in entries]
    wanted = name.lower().replace("-", "_").replace(" ", "_")
    if wanted in names:
        return entries[names.index(wanted)]
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "gradcheck explain lists them all"
    raise UsageError(f"no cause is called {name!r}: {hint}")


def _rows(entries: Sequence[Entry]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for entry in entries:
        table.add_row(Text(entry.name), Text(entry.summary, style="dim"))
    return table


def _remedies(remedies: Sequence[Remedy]) -> Padding:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for rank, remedy in enumerate(remedies, start=1):
        action = Text(remedy.action)
        if remedy.source:
            action.append(f" ({remedy.source})", style="dim")
        table.add_row(f"{rank}.", action)
    return Padding(table, (0, 0, 0, 2))


def _weights(weights: Sequence[tuple[str, float]]) -> Padding:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for meaning, weight in weights:
        table.add_row(Text(f"{weight:+.1f}"), Text(meaning))
    return Padding(table, (0, 0, 0, 2))
