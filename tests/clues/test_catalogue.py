"""Every clue has a test, a meaning in words and one place where it is declared."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gradcheck import plugins, weight_table
from gradcheck.case import ClueKind
from gradcheck.clues import inside, replayed
from gradcheck.model import Role

MODULES = plugins.modules("clues", "CLUES")
KINDS = sorted(weight_table.clue_kinds().items())


def test_every_module_that_observes_declares_its_clues() -> None:
    assert plugins.modules("clues", "observe") == MODULES


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_clue_of_a_module_is_seen_and_unseen_in_its_tests(module: object) -> None:
    name = getattr(module, "__name__", "").rpartition(".")[2]
    text = (Path(__file__).parent / f"test_{name}.py").read_text(encoding="utf-8")
    unseen, _, seen = text.partition("\nSEEN: Table")
    for key in getattr(module, "CLUES", {}):
        assert f'    "{key}": {{' in unseen, f"{key} has no near miss"
        assert f'    "{key}": {{' in seen, f"{key} is never seen"


def test_no_clue_is_declared_twice() -> None:
    counts = Counter(key for module in MODULES for key in module.CLUES)
    assert [key for key, count in counts.items() if count > 1] == []


@pytest.mark.parametrize(("key", "kind"), KINDS, ids=[key for key, _ in KINDS])
def test_a_meaning_is_a_clause(key: str, kind: ClueKind) -> None:
    assert key == key.lower()
    assert kind.meaning
    assert not kind.meaning.endswith(".")
    # no series shows what a log says in words, what its settings ask for, what is seen inside,
    # or what came of running it again
    unlogged = inside.CLUES.keys() | replayed.CLUES.keys()
    assert kind.needs or key.endswith(("_said", "_configured")) or key in unlogged
    assert set(kind.needs) <= set(Role)


@pytest.mark.parametrize(("key", "kind"), KINDS, ids=[key for key, _ in KINDS])
def test_every_clue_is_weighed_by_some_cause(key: str, kind: ClueKind) -> None:
    assert any(cause.weights.get(key) for cause in weight_table.causes().values())
