"""Numbers, counts and steps as a reader would write them."""

from __future__ import annotations

import pytest

from gradcheck.reports.phrases import number, percent, steps
from gradcheck.wording import count


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.41561, "0.416"),
        (2.3, "2.3"),
        (-17.46, "-17.5"),
        (44531.0, "44531"),
        (-99999.0, "-99999"),
        (123456.0, "1.2e+05"),
        (1e6, "1e+06"),
        (-1.12e-5, "-1.1e-05"),
        (1.7e308, "1.7e+308"),
        (float("nan"), "nan"),
    ],
)
def test_number(value: float, text: str) -> None:
    assert number(value) == text
    assert len(text) <= 8


@pytest.mark.parametrize(
    ("amount", "noun", "text"),
    [(1, "run", "1 run"), (2, "run", "2 runs"), (2, "nonfinite loss", "2 nonfinite losses")],
)
def test_count(amount: int, noun: str, text: str) -> None:
    assert count(amount, noun) == text


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (3, 9, "steps 3-9"),
        (3, 3, "step 3"),
        (3, None, "step 3"),
        (None, 9, "step 9"),
        (None, None, ""),
    ],
)
def test_steps(first: int | None, last: int | None, text: str) -> None:
    assert steps(first, last) == text


def test_nothing_is_certain() -> None:
    assert [percent(p) for p in (0.0, 0.125, 0.934, 0.999, 1.0)] == [
        "0%",
        "12%",
        "93%",
        "99%",
        "99%",
    ]
