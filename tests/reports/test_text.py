"""The report for people: whole pages at several widths, and names that try to break out of them."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from rich.text import Text

from gradcheck.model import (
    Event,
    Evidence,
    Kind,
    Remedy,
    Report,
    Role,
    RunReport,
    Severity,
    Unread,
)
from gradcheck.reports.base import Canvas
from gradcheck.reports.text import RENDERER
from tests.reports.conftest import exploding, healthy, nan_input, run, series, unclear

SNAPSHOTS = Path(__file__).parents[1] / "snapshots"
NAMES = ["nan_input", "exploding", "unclear", "healthy", "many", "nothing"]
HOSTILE = "loss[/red]\x1b[2J\u202e\n" + "w" * 300


def render(report: Report, canvas: Canvas | None = None) -> str:
    return RENDERER.render(report, canvas or Canvas(80))


def hold_snapshot(name: str, text: str) -> None:
    """Compare with the stored page; UPDATE_SNAPSHOTS=1 rewrites it, and the diff is the review."""
    stored = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        stored.write_text(text, encoding="utf-8")
    assert stored.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", NAMES)
def test_page(reports: dict[str, Report], name: str, width: int) -> None:
    hold_snapshot(f"{name}_{width}", render(reports[name], Canvas(width)))


def test_page_in_ascii(reports: dict[str, Report]) -> None:
    text = render(reports["nan_input"], Canvas(80, unicode=False))
    assert text.isascii()
    hold_snapshot("nan_input_ascii", text)


@pytest.mark.parametrize("name", ["healthy", "many", "nothing"])
@pytest.mark.parametrize("width", [40, 57, 60, 80, 109, 110, 120])
@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("colour", [True, False])
def test_never_wider_than_the_page(
    reports: dict[str, Report], name: str, width: int, unicode: bool, colour: bool
) -> None:
    text = render(reports[name], Canvas(width, colour, unicode))
    assert max(cell_len(Text.from_ansi(line).plain) for line in text.splitlines()) <= width


@pytest.mark.parametrize("name", ["nan_input", "exploding", "unclear"])
def test_a_failing_run_fits_one_screen(reports: dict[str, Report], name: str) -> None:
    assert render(reports[name], Canvas(100)).count("\n") <= 45


def test_colour_adds_nothing_but_colour(reports: dict[str, Report]) -> None:
    coloured = render(reports["many"], Canvas(80, colour=True))
    lines = [Text.from_ansi(line).plain.rstrip() for line in coloured.splitlines()]
    assert lines == render(reports["many"]).splitlines()


def test_the_verdict_comes_first() -> None:
    first = render(Report((nan_input(),)), Canvas(120)).splitlines()[0]
    assert first == (
        "failed  NaN loss from step 312 on: nonfinite input or target (bad data), 93% sure"
    )


def test_a_healthy_run_is_one_line() -> None:
    assert render(Report((healthy(),))) == "healthy  runs/fine  steps 0-399, loss 2.3 -> 0.416\n"


def test_many_healthy_runs_are_one_line() -> None:
    assert render(Report(tuple(healthy(f"r{i}") for i in range(11)))) == "11 healthy runs\n"


def test_healthy_runs_beside_a_failing_one_are_counted() -> None:
    text = render(Report((nan_input(), *(healthy(f"r{i}") for i in range(11)))))
    assert "r3" not in text
    assert text.endswith("\n11 healthy runs\n")


def test_only_the_worst_runs_are_told_in_full() -> None:
    text = render(Report(tuple(nan_input() for _ in range(5))))
    assert text.count("\nWhy\n") == 3
    assert "2 more runs in the table above" in text


def test_a_long_table_says_what_it_left_out() -> None:
    text = render(Report(tuple(nan_input() for _ in range(40))))
    assert "and 10 more" in text


def test_many_unread_files_are_capped() -> None:
    unread = tuple(Unread(Path(f"{i}.csv"), "not a log") for i in range(25))
    text = render(Report((healthy(),), unread))
    assert text.count("not a log") == 10
    assert "and 15 more paths not judged" in text


def test_an_inconclusive_run_names_the_probable_causes_in_order() -> None:
    text = render(Report((unclear(),)), Canvas(120))
    assert "cause not clear, most probable undefined operation, 42%" in text
    assert text.index("42%") < text.index("36%") < text.index(" 8%")
    assert "Change, if it is undefined operation" in text
    assert "(tells unstable loss from bad data)" in text


def test_hostile_names_are_shown_and_do_nothing() -> None:
    report = hostile_report()
    for canvas in (Canvas(40), Canvas(80, colour=True), Canvas(120, unicode=False)):
        text = render(Report((report, report), (Unread(Path(HOSTILE), HOSTILE),)), canvas)
        plain = Text.from_ansi(text).plain
        assert "\x1b[2J" not in text
        assert "\u202e" not in text
        assert "[/red]" in plain
        assert max(cell_len(line) for line in plain.splitlines()) <= canvas.width


def hostile_report() -> RunReport:
    base = nan_input()
    loss = series(HOSTILE, np.linspace(1, 2, 50), Role.LOSS)
    best = dataclasses.replace(
        base.diagnoses[0],
        summary=HOSTILE,
        evidence=(Evidence(HOSTILE, HOSTILE, 1, 2),),
        remedies=(Remedy(HOSTILE, HOSTILE),),
    )
    return dataclasses.replace(
        base, run=run(HOSTILE, loss), diagnoses=(best,), notes=(HOSTILE,), first_bad_step=30
    )


@pytest.mark.parametrize(
    "values",
    [
        [np.nan] * 50,
        [np.inf, -np.inf] * 25,
        [0.0] * 50,
        [1e308, -1e308] * 25,
        [5e-324, 1e308] * 25,
        [-1.0, 3.0] * 25,
        [1.0],
    ],
    ids=str,
)
def test_any_values_can_be_drawn(values: list[float], capfd: pytest.CaptureFixture[str]) -> None:
    column = series("loss", np.array(values), Role.LOSS)
    report = dataclasses.replace(nan_input(), run=run("r", column), first_bad_step=3)
    text = render(Report((report,)))
    assert max(map(len, text.splitlines())) <= 80
    assert capfd.readouterr().out == ""


def test_a_run_without_series_or_diagnosis_is_told() -> None:
    crash = Event(Kind.CRASH, Severity.FAILURE, None, None, None, recovered=False)
    report = RunReport(run("r"), "inconclusive", 0.0, None, (crash,))
    assert render(Report((report,))) == "failed  crash: cause not clear\n        r\n"


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([(Kind.GRADIENT_SPIKE, 4, 4, True)], "gradient spike at step 4, recovered"),
        ([(Kind.LOSS_SPIKE, 4, 9, True)], "loss spike at steps 4-9, recovered"),
        (
            [(Kind.LOSS_SPIKE, 4, 4, True), (Kind.LOSS_SPIKE, 8, 8, True)],
            "2 loss spikes, first at step 4, recovered",
        ),
    ],
)
def test_what_a_healthy_run_shook_off(events: list[tuple[Kind, int, int, bool]], said: str) -> None:
    made = (Event(k, Severity.SPIKE, "loss", a, b, r, a) for k, a, b, r in events)
    assert render(Report((healthy("r", *made),)), Canvas(120)).endswith(f"; {said}\n")


def test_the_plot_reaches_from_the_first_trouble_to_the_last() -> None:
    text = render(Report((exploding(),)))
    ticks = next(line for line in text.splitlines() if line.endswith("399"))
    assert ticks.split() == ["95", "165", "399"]
