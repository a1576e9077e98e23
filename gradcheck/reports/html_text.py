"""Puts text from logs into a page: escaped, in ASCII, and never as markup or script."""

from __future__ import annotations

import base64
import hashlib
import json

from markupsafe import Markup, escape

from gradcheck.reports.escape import safe

LONGEST = 600
"""Characters of one text: a name of ten thousand must not fill the page."""
LONGEST_NAME = 160
LONGEST_SAYING = 120
LONGEST_SNIPPET = 4000
_CLOSING = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


def shown(value: object) -> object:
    """What a template prints for a value: one line without control characters."""
    if isinstance(value, Markup):
        return value
    return "" if value is None else safe(str(value), LONGEST)


def name(text: object) -> str:
    """A name or path of a log, its middle left out where it is long."""
    return safe(str(text), LONGEST_NAME)


def saying(text: str) -> str:
    """What a log says in words of its own, as far as one line of it goes."""
    return safe(text, LONGEST_SAYING)


def sentence(text: str) -> str:
    """A text with a capital, unless it begins with a name such as `grad_norm/0.weight`."""
    return text[:1].upper() + text[1:] if text.partition(" ")[0].isalpha() else text


def code(snippet: str) -> Markup:
    """A snippet line by line, as it is to be copied."""
    lines = snippet.strip().expandtabs(4)[:LONGEST_SNIPPET].splitlines()
    return Markup("\n").join(escape(safe(line)) for line in lines)


def embedded(value: object) -> Markup:
    """JSON to stand inside a script element: it cannot end the element, nor open a comment."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_CLOSING))


def fingerprint(source: str) -> str:
    """What a Content-Security-Policy calls a script or style, so that no other one runs."""
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest())
    return f"'sha256-{digest.decode()}'"


def in_ascii(page: str) -> str:
    """The page in characters that any terminal and any encoding can carry."""
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")
