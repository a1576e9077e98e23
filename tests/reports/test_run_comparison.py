"""A run beside good runs, and what was accepted, as the text report and JSON tell them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from gradcheck.model import (
    Accepted,
    Check,
    Compared,
    Comparison,
    Envelope,
    Report,
    Role,
    RunReport,
    Severity,
)
from gradcheck.reports.base import Canvas
from gradcheck.reports.json import RENDERER as JSON
from gradcheck.reports.json import schema
from gradcheck.reports.text import RENDERER as TEXT
from tests.reports.conftest import healthy, nan_input, recovered_spike
from tests.reports.test_json import strict
from tests.reports.test_text import HOSTILE, hold_snapshot

KNOWN = Accepted("the first shard is noisy", "regression loss_end in gradcheck.toml", "2026-12-31")
END = Compared(
    Check.LOSS_END,
    "train/loss",
    "The loss ends at 0.512; the good runs ended at 0.416, and up to 0.45 would be noise.",
    0.512,
    0.416,
    0.45,
    2.1,
    300,
    399,
    Severity.FAILURE,
)
NORM = Compared(Check.GRADIENT_NORM, "grad_norm", "The same.", 1.21, 1.2, 1.4, 0.1, 200, 399, None)
ENVELOPE = Envelope(Role.LOSS, "train/loss", *(np.array([float(k), k + 1.0]) for k in range(4)))


def beside(*compared: Compared, **more: object) -> RunReport:
    good = (Path("runs/good1"), Path("runs/good2"))
    comparison = Comparison(good, "step", 0, 399, compared, (ENVELOPE,), ("another cadence",))
    return dataclasses.replace(healthy(), comparison=comparison, **more)  # type: ignore[arg-type]


def regressed() -> RunReport:
    return beside(END, NORM)


def accepted() -> RunReport:
    return beside(dataclasses.replace(END, accepted=KNOWN), NORM)


def known_failure() -> RunReport:
    base = nan_input()
    events = tuple(dataclasses.replace(event, accepted=KNOWN) for event in base.events)
    return dataclasses.replace(base, events=events)


def known_spike() -> RunReport:
    base = recovered_spike()
    events = tuple(dataclasses.replace(event, accepted=KNOWN) for event in base.events)
    return dataclasses.replace(base, events=events)


REPORTS = {
    "accepted": accepted,
    "accepted_failure": known_failure,
    "accepted_spike": known_spike,
    "as_good": lambda: beside(NORM),
    "regressed": regressed,
}


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("name", sorted(REPORTS))
def test_page(name: str, width: int) -> None:
    text = TEXT.render(Report((REPORTS[name](),)), Canvas(width))
    assert max(map(len, text.splitlines())) <= width
    hold_snapshot(f"gate_{name}_{width}", text)


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_json_holds_the_schema(name: str) -> None:
    document = json.loads(JSON.render(Report((REPORTS[name](),)), Canvas()))
    jsonschema.validate(document, strict(schema()))


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("accepted", "accepted  loss end: worse than the good runs"),
        ("accepted_failure", "accepted  NaN loss from step 312 on"),
        ("accepted_spike", "healthy  runs/one_spike"),
        ("as_good", "healthy  runs/fine"),
        ("regressed", "regressed  loss end: worse than the good runs"),
    ],
)
def test_the_first_words(name: str, status: str) -> None:
    assert TEXT.render(Report((REPORTS[name](),)), Canvas(120)).startswith(status)


def test_a_table_of_many_has_a_word_for_each() -> None:
    text = TEXT.render(Report((known_failure(), regressed(), healthy())), Canvas(120))
    words = [line.split()[0] for line in text.splitlines()[1:4]]
    assert words == ["accepted", "regressed", "healthy"]


def test_hostile_names_do_nothing() -> None:
    evil = Accepted(HOSTILE, HOSTILE, HOSTILE)
    one = dataclasses.replace(END, series=HOSTILE, statement=HOSTILE)
    report = beside(one, dataclasses.replace(one, accepted=evil))
    for canvas in (Canvas(40), Canvas(80, colour=True), Canvas(120, unicode=False)):
        text = TEXT.render(Report((report,)), canvas)
        assert "\x1b[2J" not in text
        assert "\u202e" not in text
