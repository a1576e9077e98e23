"""The trials as a table for people: whole pages, and the sentence where nothing is proved."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from gradcheck.model import Replay, Report, Run, Trial, Tried
from gradcheck.readers import watch_observations
from gradcheck.readers.watch_observations import FILE, with_observations
from gradcheck.reports.base import Canvas
from gradcheck.reports.run_replay import control, outcome
from gradcheck.reports.text import RENDERER
from tests.reports.made import HOSTILE, replayed
from tests.reports.test_text import hold_snapshot


@pytest.mark.parametrize("width", [40, 80, 120])
def test_page(width: int) -> None:
    hold_snapshot(f"replayed_{width}", RENDERER.render(Report((replayed(),)), Canvas(width)))


@pytest.mark.parametrize("width", [40, 80])
def test_page_where_nothing_is_proved(width: int) -> None:
    report = replayed()
    replay = Replay("rollback", reproduced=False, bit_exact=False, snapshot_step=300)
    run = dataclasses.replace(report.run, replay=replay)
    page = RENDERER.render(Report((dataclasses.replace(report, run=run),)), Canvas(width))
    hold_snapshot(f"transient_{width}", page)


@pytest.mark.parametrize("method", watch_observations.METHODS)
@pytest.mark.parametrize("exact", [True, False])
def test_the_control_in_a_sentence(method: str, exact: bool) -> None:
    said = control(Replay(method, True, exact, 12))
    assert said.startswith("From step 12 on, ")
    assert said.endswith(".")
    assert ("bit for bit" in said) is exact
    assert "nothing is proved" in control(Replay(method, False, False, None))


def test_outcomes_in_words() -> None:
    kinds = {"prevented": None, "delayed": 320, "not_prevented": 312}
    told = [
        outcome(Tried("a", "A", None, Trial(kind, 25, back, None), healthy=fine))
        for kind, back in kinds.items()
        for fine in (True, False)
    ]
    assert told == [
        ("gone for 25 steps", "green"), ("gone for 25 steps", "yellow"),
        ("back at step 320", "yellow"), ("back at step 320", "yellow"),
        ("still there", "red"), ("still there", "red"),
    ]  # fmt: skip


def test_a_hostile_change_cannot_break_out() -> None:
    report = replayed()
    trial = Trial("prevented", 25, None, 1.0)
    replay = Replay("fork", True, True, 3, (Tried(HOSTILE, HOSTILE, HOSTILE, trial),), (HOSTILE,))
    run = dataclasses.replace(report.run, replay=replay)
    page = RENDERER.render(Report((dataclasses.replace(report, run=run),)), Canvas(80))
    assert "\x1b" not in page
    assert "\x00" not in page
    assert "\u2028" not in page
    assert not any(line.startswith("::") for line in page.splitlines())
    assert max(map(cell_len, page.splitlines())) <= 80


# ---- as it is read from a record

GOOD: dict[str, Any] = {
    "method": "fork",
    "reproduced": True,
    "bit_exact": True,
    "snapshot_step": 3,
    "tried": [
        {
            "change": "guard_log",
            "action": "Guard it",
            "snippet": None,
            "healthy": True,
            "trial": {"outcome": "prevented", "steps": 25, "final_loss": 0.5},
        }
    ],
    "idle": ["guard_sqrt"],
}


def read(folder: Path, *entries: object) -> Replay | None:
    lines = [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]
    (folder / FILE).write_text("\n".join(lines), "utf-8", errors="surrogatepass")
    return with_observations(Run(folder, "tensorboard", ()), folder).replay


def test_what_was_written_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, {"replay": GOOD})
    assert found is not None
    assert found.idle == ("guard_sqrt",)
    (one,) = found.tried
    assert one.trial == Trial("prevented", 25, None, 0.5)
    assert one.healthy


def test_the_last_replay_counts(tmp_path: Path) -> None:
    found = read(tmp_path, {"replay": GOOD}, "{damaged", {"replay": {**GOOD, "snapshot_step": 9}})
    assert found is not None
    assert found.snapshot_step == 9


DAMAGED: dict[str, object] = {
    "method": {**GOOD, "method": HOSTILE},
    "no_method": {key: value for key, value in GOOD.items() if key != "method"},
    "unhashable": {**GOOD, "method": ["fork"]},
    "list": [GOOD],
    "text": "fork",
    "number": 3,
}


@pytest.mark.parametrize("name", sorted(DAMAGED))
def test_what_is_no_replay_says_nothing(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, {"replay": DAMAGED[name]}) is None


BAD_TRIALS: dict[str, object] = {
    "no_trial": {"change": "a", "action": "b"},
    "outcome": {**GOOD["tried"][0], "trial": {"outcome": HOSTILE}},
    "unhashable": {**GOOD["tried"][0], "trial": {"outcome": {}}},
    "empty": {**GOOD["tried"][0], "change": ""},
    "kind": {**GOOD["tried"][0], "action": 4},
    "null": None,
    "list": [[]],
}


@pytest.mark.parametrize("name", sorted(BAD_TRIALS))
def test_a_damaged_trial_is_left_out(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, {"replay": {**GOOD, "tried": [BAD_TRIALS[name], *GOOD["tried"]]}})
    assert found is not None
    assert [one.change for one in found.tried] == ["guard_log"]


def test_odd_values_are_nothing(tmp_path: Path) -> None:
    trial = {"outcome": "prevented", "steps": True, "returned_at_step": "7", "final_loss": 1e999}
    odd = {
        **GOOD, "reproduced": 1, "bit_exact": "yes", "snapshot_step": 2.5, "idle": [3, None, "x"],
        "tried": [{**GOOD["tried"][0], "healthy": 1, "trial": trial}],
    }  # fmt: skip
    found = read(tmp_path, {"replay": odd})
    assert found is not None
    assert (found.reproduced, found.bit_exact, found.snapshot_step) == (False, False, None)
    assert found.idle == ("x",)
    assert found.tried[0].trial == Trial("prevented", 0, None, None)
    assert found.tried[0].healthy is False


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
replays = st.fixed_dictionaries({}, optional=dict.fromkeys(GOOD, json_values)).flatmap(
    lambda odd: st.sampled_from([{**GOOD, **odd}, {**GOOD, "tried": [{**GOOD["tried"][0], **odd}]}])
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(replays)
def test_whatever_it_holds_can_be_told(found: dict[str, Any]) -> None:
    read_back = watch_observations._replay({"replay": json.loads(json.dumps(found))})
    if read_back is not None:
        report = replayed()
        run = dataclasses.replace(report.run, replay=read_back)
        RENDERER.render(Report((dataclasses.replace(report, run=run),)), Canvas(60))
