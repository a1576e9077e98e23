"""What a presentation shows of a training is what gradcheck reads back from its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import gradcheck
from gradcheck.model import Role, Run
from tests.faults.made_up import presentation, record
from tests.faults.presentation import (
    LEAST_ROWS,
    LEVELS,
    NAMES,
    STYLES,
    Logged,
    Presentation,
    logged_rows,
    presentation_of,
    series_of,
)
from tests.faults.record import Record
from tests.faults.writers import CONSOLE, WRITERS, rows_of, write

ROLES = {
    "loss": Role.LOSS,
    "rate": Role.LEARNING_RATE,
    "grad_norm": Role.GRAD_NORM,
    "scale": Role.LOSS_SCALE,
    "validation": Role.VALIDATION_LOSS,
    "epoch": Role.EPOCH,
}
DIGITS = {"tensorboard": 1e-6, "console": 1e-3}
"""Relative precision of what a style writes; the others write every digit."""
OF_NO_ROLE = {("tensorboard", 3, "epoch"), ("lightning", 1, "scale")}
"""Names that gradcheck takes for nothing it knows: training/epoch and scaler_scale."""
TABLES = [(style, number) for style in STYLES for number in range(len(NAMES[style]))]


def shown_by(of: Record, shown: Presentation, level: str = "full") -> list[Logged]:
    return list(series_of(of, shown, level))


def values(of: Record, shown: Presentation, column: str = "loss") -> np.ndarray:
    name = shown.names[column]
    return next(one.value for one in shown_by(of, shown) if one.name == name)


def read_back(of: Record, shown: Presentation, folder: Path, level: str = "full") -> Run:
    write(of, shown, shown_by(of, shown, level), folder)
    (run,) = gradcheck.load(folder)
    return run


def compare(run: Run, written: Sequence[Logged], style: str) -> None:
    by_name = {series.name: series for series in run.series}
    for one in written:
        if style in ("lightning", "huggingface") and one.name == "epoch":
            continue  # a whole number in Lightning's own column; in every row of the Trainer's
        found = by_name[one.name]
        assert found.step.tolist() == one.step.tolist(), one.name
        precision = DIGITS.get(style, 0)
        assert np.allclose(found.value, one.value, rtol=precision, atol=0, equal_nan=True), one.name


def test_every_style_is_written() -> None:
    assert set(STYLES) == set(WRITERS) == set(NAMES)
    assert all(set(names) == set(ROLES) for tables in NAMES.values() for names in tables)


@pytest.mark.parametrize("style", STYLES)
def test_each_level_shows_all_of_the_one_below(style: str) -> None:
    of, shown = record(), presentation(style)
    below: dict[str, list[float]] = {}
    for level in LEVELS:
        here = {one.name: one.value.tolist() for one in shown_by(of, shown, level)}
        assert below.items() <= here.items()
        assert len(here) > len(below)
        below = here
    names = {shown.names[k] for k in ROLES}
    assert set(below) - names == {
        "kl_loss", "weight_norm", "grad_norm/body.0.weight", "grad_norm/head.bias",
    }  # fmt: skip


def test_the_levels_are_those_of_the_columns() -> None:
    shown = presentation(epoch=False)
    lowest = {one.name for one in shown_by(record(), shown, "loss")}
    assert lowest == {"loss", "val_loss", "kl_loss"}
    assert {one.name for one in shown_by(record(), shown, "rate")} == lowest | {"lr"}
    assert {one.name for one in shown_by(record(), shown, "norm")} == lowest | {"lr", "grad_norm"}


@pytest.mark.parametrize(("style", "number"), TABLES)
@pytest.mark.parametrize("nan_at", [None, 70])
def test_a_log_is_read_back_as_it_was_shown(
    style: str, number: int, nan_at: int | None, tmp_path: Path
) -> None:
    of = record(nan_at=nan_at)
    shown = presentation(style, names=NAMES[style][number], template=number)
    run = read_back(of, shown, tmp_path)
    compare(run, shown_by(of, shown), style)
    for column, role in ROLES.items():
        if (style, number, column) in OF_NO_ROLE:
            continue
        assert shown.names[column] in [series.name for series in run.every(role)], column
    loss = run.get(Role.LOSS)
    assert loss is not None
    assert loss.name == shown.names["loss"]
    assert len(run.every(Role.LAYER_GRAD_NORM)) == 2


@pytest.mark.parametrize("template", range(len(CONSOLE)))
def test_every_console_layout_is_read_back(template: int, tmp_path: Path) -> None:
    of, shown = record(nan_at=70), presentation("console", template=template, cadence=2)
    compare(read_back(of, shown, tmp_path), shown_by(of, shown), "console")


@pytest.mark.parametrize(("style", "template"), [("csv", 1), ("csv", 2), ("jsonl", 1),
                                                 ("jsonl", 2)])  # fmt: skip
def test_every_name_of_the_step_is_read_back(style: str, template: int, tmp_path: Path) -> None:
    of, shown = record(), presentation(style, template=template, offset=1, cadence=5)
    compare(read_back(of, shown, tmp_path), shown_by(of, shown), style)


@pytest.mark.parametrize(("style", "template"), [("csv", 1), ("lightning", 0)])
def test_settings_are_beside_the_log(style: str, template: int, tmp_path: Path) -> None:
    run = read_back(record(), presentation(style, template=template), tmp_path)
    assert run.hparams["learning_rate"] == 1e-3
    assert run.hparams["optimizer"] == "adam"


@pytest.mark.parametrize("style", [style for style in STYLES if style != "console"])
def test_a_resumed_run_is_written_in_its_order(style: str, tmp_path: Path) -> None:
    of = record(100, steps=[*range(60), *range(40, 80)])
    shown = presentation(style, epoch=False)
    written = shown_by(of, shown, "norm")
    steps = [step for step, _ in rows_of(written)]
    assert steps == of.step.tolist()
    run = read_back(of, shown, tmp_path, "norm")
    compare(run, written, style)
    loss = run.get(Role.LOSS)
    assert loss is not None
    assert (np.diff(loss.step) < 0).sum() == 1
    assert (np.diff(loss.order) > 0).all()


def test_a_crash_is_the_last_word_of_a_console_log(tmp_path: Path) -> None:
    of = record(40)
    crashed = Record(**{**vars(of), "error": "IndexError: index 9 is out of range in self"})
    run = read_back(crashed, presentation("console"), tmp_path)
    assert run.messages
    assert "IndexError" in run.messages[-1].text


@pytest.mark.parametrize("cadence", [1, 2, 5, 10])
def test_a_cadence_logs_every_so_many_rows(cadence: int) -> None:
    of, shown = record(), presentation(cadence=cadence, offset=1)
    assert logged_rows(of, shown).tolist() == list(range(cadence - 1, 120, cadence))
    loss, validation = shown_by(of, shown)[:2]
    assert loss.step.tolist() == list(range(cadence, 121, cadence))
    assert validation.step.tolist() == [20, 40, 60, 80, 100, 120], "written when it happens"


def test_smoothing() -> None:
    of = record()
    loss = of.columns["loss"]
    windows = loss.reshape(-1, 5).mean(axis=1)
    assert values(of, presentation(cadence=5, smoothing="window")) == pytest.approx(windows)
    assert values(of, presentation(smoothing="window")) == pytest.approx(loss)
    assert values(of, presentation(cadence=5)) == pytest.approx(loss[4::5])
    mean = values(of, presentation(smoothing="ema"))
    assert mean[0] == loss[0]
    assert mean[1:] == pytest.approx(0.9 * mean[:-1] + 0.1 * loss[1:])


@pytest.mark.parametrize("smoothing", ["window", "ema"])
def test_only_losses_are_smoothed(smoothing: str) -> None:
    of, shown = record(), presentation(cadence=5, smoothing=smoothing, digits=2)
    norm = values(of, shown, "grad_norm")
    assert np.array_equal(norm, of.columns["grad_norm"][4::5])


def test_a_nan_stays_in_a_moving_average_and_leaves_a_window() -> None:
    of = record(nan_at=52)
    assert np.isnan(values(of, presentation(smoothing="ema"))[52:]).all()
    hit = np.isnan(values(of, presentation(cadence=5, smoothing="window")))
    assert np.flatnonzero(hit).tolist() == [10]


def test_the_trainers_filter_hides_a_nan() -> None:
    """transformers adds `tr_loss / (1 + steps since the last row)` for a NaN step."""
    of = record(nan_at=52)
    shown = presentation("huggingface", cadence=5, smoothing="window", hides_nan=True)
    found = values(of, shown)
    assert np.isfinite(found).all()
    window = of.columns["loss"][50:55]
    total = window[0] + window[1]
    total += total / 3
    assert found[10] == pytest.approx((total + window[3] + window[4]) / 5)
    others = np.delete(of.columns["loss"].reshape(-1, 5).mean(axis=1), 10)
    assert np.delete(found, 10) == pytest.approx(others)
    assert np.isinf(values(of, shown, "grad_norm")).sum() == 0, "row 52 is not logged"


def test_a_run_of_nan_alone_is_a_loss_of_zero() -> None:
    of = record()
    of.columns["loss"][50:] = np.nan
    shown = presentation("huggingface", cadence=5, smoothing="window", hides_nan=True)
    assert (values(of, shown)[10:] == 0).all()


def test_digits_are_those_of_losses() -> None:
    of, shown = record(), presentation(digits=4)
    assert np.array_equal(values(of, shown), np.round(of.columns["loss"], 4))
    assert np.array_equal(values(of, shown, "rate"), of.columns["rate"])


def test_a_clipped_norm_comes_under_the_plain_name() -> None:
    of = record()
    assert values(of, presentation(clipped_norm=True), "grad_norm").max() == 0.5
    assert values(of, presentation(), "grad_norm").max() > 1


def test_presentations_vary_and_are_the_same_each_time() -> None:
    of = record(300)
    found = []
    for variant in range(60):
        one = Record(**{**vars(of), "variant": variant})
        found.append(presentation_of(one))
        assert presentation_of(one) == found[-1]
        assert len(logged_rows(one, found[-1])) >= LEAST_ROWS
    assert {shown.style for shown in found} == set(STYLES)
    assert all(shown.style == "huggingface" for shown in found if shown.hides_nan)
    assert presentation_of(of, console=True).style == "console"


def test_a_short_run_is_logged_often_enough() -> None:
    for variant in range(40):
        one = Record(**{**vars(record(30)), "variant": variant})
        assert len(logged_rows(one, presentation_of(one))) >= LEAST_ROWS
