"""For every clue the runs in which it must not be seen, then those in which it must."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gradcheck.model import Run
from tests.synthetic import Columns

Table = Mapping[str, Mapping[str, Run | Columns]]
"""Runs by the key of the clue and a few words."""


def cases(table: Table) -> pytest.MarkDecorator:
    """A test parametrised over (key, run)."""
    rows = [
        pytest.param(key, run, id=f"{key}: {words}")
        for key, runs in table.items()
        for words, run in runs.items()
    ]
    return pytest.mark.parametrize(("key", "run"), rows)
