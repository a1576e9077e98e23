"""The catalogue of causes as `explain` shows it: docs and weights, from the causes' own files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gradcheck import plugins, weight_table
from gradcheck.case import Case
from gradcheck.causes.base import Finding
from gradcheck.model import Family, Remedy, Run


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
    remedies: tuple[Remedy, ...] = ()
    """What it advises where nothing is known of the run."""


def entries() -> list[Entry]:
    """All causes, by family and name."""
    docs = {
        m.__name__.rpartition(".")[2]: m.__doc__ or "" for m in plugins.modules("causes", "CAUSE")
    }
    kinds = weight_table.clue_kinds()
    table = weight_table.fitted()
    proven_otherwise = min(kind.against for kind in kinds.values())
    unknown = Finding(Case(Run(Path(), "", ()), ()), {})
    found = [
        Entry(
            name=name,
            family=cause.family,
            summary=cause.summary,
            docs=docs[name],
            weights=[
                *sorted(
                    (
                        (kinds[key].meaning, weight)
                        for key, weight in table.weight[name].items()
                        if weight
                    ),
                    key=lambda pair: -pair[1],
                ),
                ("watch saw something else break the numbers or end the script", proven_otherwise),
            ],
            remedies=tuple(cause.remedies(unknown)),
        )
        for name, cause in weight_table.causes().items()
    ]
    order = list(Family)
    return sorted(found, key=lambda entry: (order.index(entry.family), entry.name))
