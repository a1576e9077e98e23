"""A small share of `make fuzz`, and that its oracle can tell."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import cases, intact, judge
from tests.fuzz.mutations import damage
from tests.fuzz.rope import Rope
from tests.fuzz.seeds import KINDS, seeds

SHARE = 100


@pytest.mark.parametrize("kind", KINDS)
def test_every_point_of_an_undamaged_log_comes_out(kind: str, tmp_path: Path) -> None:
    demanded = 0
    for seed in seeds(kind):
        case = cases.Case(0, kind, seed, Rope.whole(seed.data), ())
        outcome = judge.judge(case, tmp_path)
        assert outcome.wrong is None, (seed.file, outcome.wrong)
        demanded += outcome.demanded
        assert outcome.demanded == sum(len(record.points) for record in seed.records)
    assert demanded or kind == "sqlite"


@pytest.mark.parametrize("kind", KINDS)
def test_damage_costs_no_more_than_what_it_touches(kind: str, tmp_path: Path) -> None:
    outcomes = [judge.judge(cases.make(0, n, (kind,)), tmp_path) for n in range(SHARE)]
    assert [(n, one.wrong) for n, one in enumerate(outcomes) if one.wrong] == []
    assert sum(one.demanded for one in outcomes) > 500 or kind == "sqlite"


def test_a_point_that_is_lost_is_seen() -> None:
    seed = seeds("json")[0]
    points = intact.demanded("json", seed, Rope.whole(seed.data), seed.data)
    assert intact.missing(points, ()) == points


def test_a_record_is_intact_only_where_none_of_its_bytes_is_touched() -> None:
    seed = seeds("events")[1]
    every = len(seed.records)
    record = seed.records[3]
    for at in (record.start, record.stop - 1):
        rope = Rope.whole(seed.data).replaced(at, at + 1, [b"?"])
        left = {p.step for p in intact.demanded("events", seed, rope, rope.data())}
        assert len(left) == every - 1
        assert record.points[0].step not in left


def test_a_rope_says_where_its_bytes_are_from() -> None:
    original = bytes(range(256)) * 8
    for number in range(300):
        rope, _ = damage(original, b"other" * 99, Random(number), text=True)
        data = rope.data()
        assert len(data) == len(rope)
        for at, start, stop in rope.places():
            assert data[at : at + stop - start] == original[start:stop]


def test_a_case_is_told_by_its_numbers() -> None:
    one, again = cases.make(3, 7), cases.make(3, 7)
    assert dataclasses.astuple(one) == dataclasses.astuple(again)
