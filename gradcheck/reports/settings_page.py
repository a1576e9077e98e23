"""Shows the settings in effect, and where each comes from: the output of `inspect --config`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.text import Text

from gradcheck.reports.base import Canvas
from gradcheck.reports.json import dumps
from gradcheck.reports.page import Page


class Setting(Protocol):
    """A key, its value and where that comes from."""

    @property
    def key(self) -> str:
        """As the file spells it."""

    @property
    def value(self) -> object:
        """A text, a number, a list of texts, or None where nothing is set."""

    @property
    def origin(self) -> str:
        """A file, the command line, or that it is the default."""


def as_text(listing: Sequence[Setting], canvas: Canvas) -> str:
    """A row for each setting."""
    page = Page(canvas)
    page.table(["setting", "from", "value"], [_row(page, one) for one in listing])
    return page.finish()


def as_json(listing: Sequence[Setting]) -> str:
    """The same as JSON; a key that may be given more than once has a row each time."""
    settings = [{"key": one.key, "value": one.value, "from": one.origin} for one in listing]
    return dumps({"schema_version": 1, "settings": settings})


def _row(page: Page, setting: Setting) -> list[Text]:
    value = setting.value
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    style = "dim" if value is None else ""
    return [
        page.text(setting.key),
        page.text((setting.origin, "dim")),
        page.text(("not set" if value is None else shown, style)),
    ]
