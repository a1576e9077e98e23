"""The rules of a SARIF log: what `explain` tells of a cause."""

from __future__ import annotations

import re
from typing import Any

from gradcheck.reports.phrases import words

_OF_NO_CAUSE = {"regression": "The run is worse than the known good ones, beyond their noise."}


def rule(name: str) -> dict[str, Any]:
    """The rule of a cause, or of a kind of event that needed no explanation."""
    # The catalogue loads every cause: only this format needs it.
    from gradcheck import catalogue  # noqa: PLC0415

    entry = next((entry for entry in catalogue.entries() if entry.name == name), None)
    told: dict[str, Any] = {"id": name, "name": "".join(map(str.title, name.split("_")))}
    if entry is None:
        return told | {
            "shortDescription": {"text": words(name)},
            "help": {"text": _OF_NO_CAUSE.get(name, f"{words(name)}: the run went on as before.")},
        }
    advice = [remedy.action for remedy in entry.remedies]
    numbered = "\n".join(f"{rank}. {action}" for rank, action in enumerate(advice, start=1))
    markdown = entry.docs.strip() + (f"\n\n## What to change\n{numbered}" if advice else "")
    return told | {
        "shortDescription": {"text": entry.summary},
        "fullDescription": {"text": _first_paragraph(entry.docs)},
        "help": {"text": _plain(markdown), "markdown": markdown},
        "properties": {"tags": ["training", entry.family.value]},
    }


def _first_paragraph(docs: str) -> str:
    return " ".join(docs.strip().partition("\n\n")[0].split())


def _plain(markdown: str) -> str:
    return re.sub(r"^#+ (.*)$", r"\1:", markdown, flags=re.MULTILINE).replace("`", "")
