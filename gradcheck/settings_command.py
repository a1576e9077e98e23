"""The command `inspect --config`: the settings in effect, and where each comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gradcheck import terminal
from gradcheck.configuration import effective
from gradcheck.errors import UsageError
from gradcheck.reports import settings_page


def show(files: Sequence[str], roles: Mapping[str, str], *, as_json: bool) -> None:
    """Print the settings of a file, or else of the nearest one, under the roles that are named.

    Raises:
        UsageError: more than one file is named, or it cannot be used.
    """
    if len(files) > 1:
        raise UsageError("inspect --config shows the settings of one file at a time")
    settings = effective.settings(Path(files[0]) if files else None, roles=roles)
    listing = list(effective.listing(settings))
    text = (
        settings_page.as_json(listing)
        if as_json
        else settings_page.as_text(listing, terminal.canvas(None))
    )
    terminal.write(text, None)
