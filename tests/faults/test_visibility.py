"""What a person would see in the plots of a log, by coarse rules."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from tests.faults.made_up import presentation, record
from tests.faults.presentation import NAMES, STYLES, Logged, series_of
from tests.faults.record import Column, Record
from tests.faults.suite import _extras, _for_good
from tests.faults.visibility import is_visible

ROWS = 120
FALLING: Column = 0.3 + 2 * np.exp(-np.arange(ROWS) / 30)


def sees(columns: Mapping[str, Column], *, falls: bool = True) -> bool:
    """Whether a log of these columns looks wrong."""
    shown = presentation()
    series = [
        Logged(shown.names.get(name, name), at, at, values)
        for name, values in columns.items()
        for at in [np.arange(len(values))]
    ]
    return is_visible(shown, series, falls=falls)


def spiked(values: Column, factor: float, at: int = 70) -> Column:
    out = values.copy()
    out[at] *= factor
    return out


@pytest.mark.parametrize("style", STYLES)
def test_a_sound_log_shows_nothing(style: str) -> None:
    for names in NAMES[style]:
        shown = presentation(style, names=names, layer_prefix="gradients/")
        of = record()
        series = list(series_of(of, shown, "full"))
        assert not is_visible(shown, series, falls=True, extras=_extras(of))


@pytest.mark.parametrize("name", ["loss", "validation", "kl_loss", "grad_norm"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_is_none_is_seen(name: str, value: float) -> None:
    broken = FALLING.copy()
    broken[50] = value
    assert sees({"loss": FALLING, name: broken})


@pytest.mark.parametrize(("factor", "seen"), [(2.5, False), (6.0, True)])
def test_a_spike_of_the_loss(factor: float, seen: bool) -> None:
    level = FALLING * 0 + 1.0
    falling = np.concatenate([3 - 2 * np.arange(40) / 40, level[40:]])
    assert sees({"loss": spiked(falling, factor, at=100)}) is seen


@pytest.mark.parametrize(("factor", "seen"), [(6.0, False), (15.0, True)])
def test_a_spike_of_the_norm(factor: float, seen: bool) -> None:
    assert sees({"loss": FALLING, "grad_norm": spiked(np.ones(ROWS), factor)}) is seen


def test_a_loss_that_does_not_fall() -> None:
    flat = np.ones(ROWS)
    assert sees({"loss": flat})
    assert not sees({"loss": flat}, falls=False), "that of a game need not"
    assert sees({"loss": FALLING, "validation": flat})


def test_a_loss_that_comes_back_up() -> None:
    assert sees({"loss": np.concatenate([FALLING[:60], FALLING[59::-1]])})
    assert sees({"loss": np.geomspace(1, 20, ROWS)}, falls=False)


def test_an_enormous_start() -> None:
    assert sees({"loss": FALLING * 1000})


def test_a_negative_loss_without_a_floor() -> None:
    assert sees({"loss": -np.arange(1.0, ROWS + 1)})
    assert not sees({"loss": -1 - np.tanh(np.arange(ROWS) / 10)})


@pytest.mark.parametrize("name", ["rate", "scale", "epoch"])
def test_what_is_no_loss_is_no_sign(name: str) -> None:
    assert not sees({"loss": FALLING, name: np.geomspace(1, 1e6, ROWS)})


def test_layers_and_extras_are_no_losses() -> None:
    shown = presentation()
    at = np.arange(ROWS)
    rising = np.geomspace(1, 1e4, ROWS)
    loss = Logged("loss", at, at, FALLING)
    layer = Logged(f"{shown.layer_prefix}body.weight", at, at, rising)
    extra = Logged("weight_norm", at, at, rising)
    assert not is_visible(shown, [loss, layer], falls=True)
    assert not is_visible(shown, [loss, extra], falls=True, extras={"weight_norm"})
    assert _extras(record()) == {"weight_norm"}


def test_a_short_log_shows_only_what_is_not_finite() -> None:
    assert not sees({"loss": np.ones(2)})
    assert sees({"loss": np.array([1.0, np.nan])})


def odd_record(rows: list[int], latest: int | None, earliest: int | None = 30) -> Record:
    of = record(100)
    odd = np.isin(np.arange(100), rows)
    none = np.zeros(100, dtype=bool)
    changes = {"earliest": earliest, "latest": latest, "odd": {"loss": odd, "norm": none}}
    return Record(**{**vars(of), **changes})


@pytest.mark.parametrize(
    ("rows", "latest", "last"),
    [
        ([50, *range(60, 100)], 50, 60),  # shows now and then, from 60 on in every row
        ([50, 55], 50, 55),  # recovers: the last row that is odd
        (list(range(50, 100)), 50, 50),  # plain from its first row
        ([30], 30, 30),  # abrupt
    ],
)
def test_a_fault_that_builds_up_may_be_told_until_it_stays(
    rows: list[int], latest: int, last: int
) -> None:
    assert _for_good(odd_record(rows, latest)) == last


def test_a_healthy_run_has_no_such_step() -> None:
    assert _for_good(odd_record([], None, None)) is None
