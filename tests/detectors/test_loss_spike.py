"""Loss spikes: above the loss' own noise, for a while."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gradcheck.detectors.loss_spike import detect
from gradcheck.model import Kind, Observation
from gradcheck.model.inside import OVERWRITTEN
from tests.synthetic import Column, Columns, decay, norms, put, run_of, scale, steady, told

ROWS = 500
EPOCH = np.floor(np.arange(ROWS) / 100)

NONE: dict[str, Columns] = {
    "no loss": {"grad_norm": scale(norms(ROWS), 300, 50.0)},
    "within the noise": {"loss": scale(decay(ROWS, noise=0.3), 300, 2.0)},
    "a dip": {"loss": scale(decay(ROWS), 300, 0.05)},
    "NaN only": {"loss": put(decay(ROWS), 300, np.nan)},
    "generator": {"G_loss": scale(steady(ROWS, noise=0.3), 300, 8.0), "D_loss": steady(ROWS)},
    "critic": {"train/value_loss": scale(steady(ROWS, noise=0.5), 300, 10.0)},
    "part of a total": {"loss": decay(ROWS), "kl_loss": scale(steady(ROWS), 300, 20.0)},
    "a level that is left by less than a factor of two": {
        "loss": scale(decay(ROWS, noise=0.25), slice(300, None), 1.7)
    },
    "a slow rise": {"loss": norms(ROWS, usual=1.0, noise=0.3) * np.geomspace(1.0, 8.0, ROWS)},
    "a shifted level of a generator": {
        "G_loss": scale(steady(ROWS, noise=0.3), slice(300, None), 3.0),
        "D_loss": steady(ROWS),
    },
    "a shifted level of a critic": {
        "train/value_loss": scale(steady(ROWS, noise=0.3), slice(300, None), 3.0)
    },
    "first row of an epoch": {"loss": scale(decay(ROWS), [100, 200, 300], 2.0), "epoch": EPOCH},
}


@pytest.mark.parametrize("columns", NONE.values(), ids=NONE)
def test_none(columns: Columns) -> None:
    assert told(list(detect(run_of(columns)))) == []


SPIKES: dict[str, tuple[Columns, list[tuple[int, bool]]]] = {
    "one row": ({"loss": scale(decay(ROWS), 300, 10.0)}, [(300, True)]),
    "of twenty rows": ({"loss": scale(decay(20, noise=0.02), 14, 10.0)}, [(14, True)]),
    "negative loss": ({"loss": scale(decay(ROWS), 300, 10.0) - 5.0}, [(300, True)]),
    "beside a NaN": (
        {"loss": put(scale(decay(ROWS), 300, 10.0), 299, np.nan)},
        [(300, True)],
    ),
    "a tall first row of an epoch": (
        {"loss": scale(decay(ROWS), 200, 20.0), "epoch": EPOCH},
        [(200, True)],
    ),
    "in mid-epoch": ({"loss": scale(decay(ROWS), 250, 2.0), "epoch": EPOCH}, [(250, True)]),
    "an enormous one of a generator": (
        {"G_loss": scale(steady(ROWS), 300, 1e6), "D_loss": steady(ROWS)},
        [(300, True)],
    ),
    "two": ({"loss": scale(decay(ROWS), [200, 300], 10.0)}, [(200, True), (300, True)]),
    "to the end": ({"loss": scale(decay(ROWS), slice(480, None), 10.0)}, [(480, False)]),
}


@pytest.mark.parametrize(("columns", "found"), SPIKES.values(), ids=SPIKES)
def test_spikes(columns: Columns, found: list[tuple[int, bool]]) -> None:
    events = list(detect(run_of(columns)))
    assert told(events) == [("loss_spike", "spike", step, back) for step, back in found]


def test_a_modest_step_up_is_a_new_level() -> None:
    (event,) = detect(run_of({"loss": scale(decay(ROWS, noise=0.02), slice(300, None), 1.8)}))
    assert (event.kind, event.severity.value, event.step) == (Kind.LOSS_SPIKE, "warning", 300)


def test_the_event_has_the_value_of_the_peak_and_all_its_steps() -> None:
    loss = decay(ROWS)
    loss[300:304] = [5.0, 9.0, 7.0, 4.0]
    (event,) = detect(run_of({"train/loss": loss}, np.arange(ROWS) * 50))
    assert (event.step, event.last_step, event.value) == (15_000, 15_150, 9.0)
    assert event.series == "train/loss"


def worked_off(noise: float, height: float) -> Column:
    """Damage of row 300 that decays over a hundred rows."""
    bump = np.ones(900)
    bump[300:] += height * np.exp(-np.arange(600) / 100)
    return norms(900, usual=1.0, noise=noise) * bump


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_damage_within_the_noise_of_single_rows(unit: float) -> None:
    """No row of it stands out, the level does."""
    ((kind, severity, step, recovered),) = told(
        list(detect(run_of({"loss": worked_off(0.35, 4.0) * unit})))
    )
    assert (kind, severity, recovered) == ("loss_spike", "spike", True)
    assert step is not None and abs(step - 300) <= 1


def test_a_shift_that_an_excursion_tells_of_is_told_once() -> None:
    events = list(detect(run_of({"loss": worked_off(0.03, 9.0)})))
    assert [event.step for event in events] == [300]


def test_a_doubled_level_in_noise_is_a_new_level() -> None:
    loss = scale(norms(ROWS, usual=1.0, noise=0.2), slice(300, None), 2.6)
    ((_, severity, step, _),) = told(list(detect(run_of({"loss": loss}))))
    assert severity == "warning"
    assert step is not None and abs(step - 300) <= 1


def test_spikes_of_every_epoch_are_told_however_often_they_come() -> None:
    rows = list(range(12, 180, 13))
    loss = scale(decay(180, noise=0.04), rows, 2.6)
    assert [e.step for e in detect(run_of({"loss": loss}))] == rows


@pytest.mark.parametrize(
    ("peaks", "written", "severity"),
    [
        ((1.0, 1.0, 1.0), True, "spike"),
        ((1.0, 1.0, 1.0), False, "warning"),
        ((1.0, 0.8, 0.64), True, "warning"),
    ],
    ids=["again and again", "nothing wrote to weights", "less each time"],
)
def test_what_was_learned_is_taken_back(
    peaks: tuple[float, ...], written: bool, severity: str
) -> None:
    fall = 0.4 + 0.6 * np.exp(-np.arange(100) / 20)
    falls = [0.4 + (peak - 0.4) * np.exp(-np.arange(100) / 20) for peak in peaks]
    loss = np.concatenate([fall, *falls]) * steady(400, usual=1.0, noise=0.02)
    seen = (Observation(OVERWRITTEN, "", 100),) if written else ()
    found = list(detect(replace(run_of({"loss": loss}), observations=seen)))
    assert {e.severity.value for e in found} == {severity}
    assert [e.step for e in found][:1] == [100]


COSINE = 0.05 * (0.5 + 0.5 * np.cos(np.pi * (np.arange(ROWS) % 100) / 100)) + 1e-4


@pytest.mark.parametrize(
    ("height", "rate", "severity"),
    [
        (3.5, COSINE, "warning"),
        (3.5, np.where(np.arange(ROWS) < 300, COSINE, 3 * COSINE), "spike"),
        (3.5, np.roll(COSINE, 50), "spike"),
        (20.0, COSINE, "spike"),
    ],
    ids=["a restart", "beyond what it knew", "no restart near", "worse than untrained"],
)
def test_a_jump_beside_a_restart_of_the_rate(height: float, rate: Column, severity: str) -> None:
    loss = scale(decay(ROWS, noise=0.02), slice(301, 308), height)
    found = [e for e in detect(run_of({"loss": loss, "lr": rate})) if e.step == 301]
    assert [e.severity.value for e in found] == [severity]
