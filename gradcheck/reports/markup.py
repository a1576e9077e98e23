"""Makes text from a log inert in Markdown, as GitHub, GitLab and TensorBoard render it."""

from __future__ import annotations

import re

from gradcheck.reports.escape import safe

_APART = "&#8203;"
"""A zero-width space: keeps a name from becoming a mention, a number from becoming an issue."""
# Entities where some renderer does not know the backslash.
_ESCAPES = str.maketrans(
    {
        "\\": "\\\\",
        "`": "\\`",
        "*": "\\*",
        "[": "\\[",
        "]": "\\]",
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "|": "&#124;",
        "~": "&#126;",
        "$": "&#36;",
        "@": f"@{_APART}",
        "#": f"&#35;{_APART}",
    }
)
_ENTITIES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "'": "&#39;",
        "@": f"@{_APART}",
        "#": f"#{_APART}",
    }
)
_EDGE_OF_WORD = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_LINK = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
_MARKER = re.compile(r"^(\s*)(?:([-+=])(?=[\s=-]|$)|(\d+)([.)])(?=\s|$))")
_FENCE = re.compile(r"`{3,}")
_TICKS = re.compile(r"`+")


def text(content: str, limit: int | None = None) -> str:
    """Inline text that shows as it is: no markup, link, mention or reference to an issue."""
    escaped = safe(content, limit).translate(_ESCAPES)
    escaped = _EDGE_OF_WORD.sub(r"\\_", escaped)
    escaped = _LINK.sub(_APART, escaped)
    return _MARKER.sub(_unmarked, escaped)


def code(content: str, limit: int | None = None, *, cell: bool = False) -> str:
    """A name in a code span; in the `cell` of a table, with another character for its border."""
    shown = safe(content, limit) or " "
    shown = shown.replace("|", "¦") if cell else shown
    longest = max((len(run) for run in _TICKS.findall(shown)), default=0)
    if not longest and shown == shown.strip():
        return f"`{shown}`"
    return f"{'`' * (longest + 1)} {shown} {'`' * (longest + 1)}"


def block(content: str, language: str = "") -> str:
    """Lines in a fence that none of them can close."""
    lines = [safe(line.expandtabs(4)).rstrip() for line in content.strip("\n").split("\n")]
    longest = max((len(run) for line in lines for run in _FENCE.findall(line)), default=2)
    fence = "`" * (longest + 1)
    return "\n".join([f"{fence}{language}", *lines, fence])


def element(name: str, content: str, limit: int | None = None) -> str:
    """Text within an HTML element, where Markdown is not looked for."""
    inside = _LINK.sub(_APART, safe(content, limit).translate(_ENTITIES))
    return f"<{name}>{inside}</{name}>"


def _unmarked(found: re.Match[str]) -> str:
    space, bullet, number, dot = found.groups()
    return f"{space}\\{bullet}" if bullet else f"{space}{number}\\{dot}"
