"""The catalogue of causes as `explain` shows it: docs and weights, from the causes' own files."""

from __future__ import annotations

from dataclasses import dataclass

from gradcheck import plugins, weight_table
from gradcheck.model import Family


@dataclass(frozen=True)
class Entry:
    """One cause of the catalogue."""

    name: str
    family: Family
    summary: str
    docs: str
    """Markdown, in short sections."""
    weights: list[tuple[str, float]]
    """The meaning of each clue with the log-odds it adds, the strongest first."""


def entries() -> list[Entry]:
    """All causes, by family and name."""
    docs = {
        m.__name__.rpartition(".")[2]: m.__doc__ or "" for m in plugins.modules("causes", "CAUSE")
    }
    kinds = weight_table.clue_kinds()
    table = weight_table.fitted()
    found = [
        Entry(
            name=name,
            family=cause.family,
            summary=cause.summary,
            docs=docs[name],
            weights=sorted(
                (
                    (kinds[key].meaning, weight)
                    for key, weight in table.weight[name].items()
                    if weight
                ),
                key=lambda pair: -pair[1],
            ),
        )
        for name, cause in weight_table.causes().items()
    ]
    order = list(Family)
    return sorted(found, key=lambda entry: (order.index(entry.family), entry.name))
