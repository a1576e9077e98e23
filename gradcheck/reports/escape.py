"""Makes text from a log safe to show: nothing in it can move a cursor, colour or break a line."""

from __future__ import annotations

import unicodedata

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Controls, formats (bidi overrides, zero width), surrogates, and line or paragraph separators.
_HOSTILE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_PLAIN = str.maketrans(
    {
        "×": "x",
        "·": "-",
        "•": "*",
        "┊": ":",
        "–": "-",
        "—": "-",
        "−": "-",
        "±": "+/-",
        "→": "->",
        "≈": "~",
        "≤": "<=",
        "≥": ">=",
        "…": "...",
        "²": "^2",
        "∞": "inf",
        "λ": "lambda",
        "η": "eta",
        "σ": "sigma",
        "β": "beta",
        "ε": "eps",
        "√": "sqrt ",
        "∇": "grad ",
        "‖": "||",
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
    }
)


def safe(text: str, limit: int | None = None) -> str:
    """One line in which every control character shows as a visible escape."""
    shown = text if text.isascii() and text.isprintable() else "".join(map(_visible, text))
    return shown if limit is None else shorten(shown, limit)


def shorten(text: str, limit: int) -> str:
    """Keep both ends of a text that is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    head = max(limit - 3, 0) // 2
    tail = max(limit - 3 - head, 0)
    return f"{text[:head]}...{text[len(text) - tail :]}"


def ascii_only(text: str) -> str:
    """The text for an output that can show nothing but ASCII."""
    return text.translate(_PLAIN).encode("ascii", "backslashreplace").decode("ascii")


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _HOSTILE:
        return character
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
