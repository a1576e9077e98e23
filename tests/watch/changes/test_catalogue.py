"""Every change can be had from a cause, and says what it is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from gradcheck.proving import EXAMINATIONS
from gradcheck.watch.changes import catalogue
from gradcheck.watch.changes.base import Trouble
from gradcheck.watch.replay import plan
from gradcheck.weight_table import causes
from tests.watch.changes.acting import new_probe

CHANGES = sorted(catalogue.changes())


def test_every_trial_of_a_cause_is_a_change() -> None:
    named = {(name, trial) for name, cause in causes().items() for trial in cause.trials}
    assert named
    assert {pair for pair in named if pair[1] not in CHANGES} == set()
    assert set(plan.ANY) <= set(CHANGES)
    assert set(CHANGES) >= EXAMINATIONS


def test_every_change_is_tried_for_a_cause_or_for_any() -> None:
    tried = {trial for cause in causes().values() for trial in cause.trials}
    assert set(CHANGES) - tried - set(plan.ANY) == EXAMINATIONS


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_says_what_to_do(name: str) -> None:
    kind = catalogue.changes()[name]
    trouble = Trouble(3, samples=tuple(range(40)), norm=0.5, rate=0.01)
    for known in (trouble, Trouble(0)):
        advice = catalogue.make(name, new_probe(), known).advice()
        assert advice[0].isupper()
        assert not advice.endswith((".", "!", ":"))
        assert len(advice) < 200
    if kind.snippet is not None:
        body = f"while True:\n    {kind.snippet.replace(chr(10), chr(10) + '    ')}"
        ast.parse(body)  # it can be pasted into a loop


def test_every_file_is_a_change_or_something_that_changes_need() -> None:
    here = Path(catalogue.__file__).parent
    shared = {"at_least", "model_inputs", "numbers", "patching", "rates", "several"}
    others = {"__init__", "base", "catalogue", *shared}
    assert {file.stem for file in here.glob("*.py")} == {*CHANGES, *others}
