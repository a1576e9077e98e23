"""Runs that fail from one cause each, by formula: any length, cadence and unit of the loss."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from gradcheck.model import Message, Observation, Run, Said, Where
from tests.synthetic import (
    Column,
    constant,
    decay,
    grow,
    norms,
    put,
    run_of,
    scale,
    steady,
    warm_up,
)

NAN, INF = np.nan, np.inf
Columns = dict[str, Column]
Maker = Callable[[int, float], Columns]


def logged(columns: Columns, stride: int = 1) -> Run:
    """The run whose rows are `stride` steps apart."""
    rows = len(next(iter(columns.values())))
    return run_of(columns, np.arange(rows) * stride)


def watched(made: Columns | Run, *keys: str, step: int | None = None) -> Run:
    """The run with what `gradcheck watch` saw at a step, all of it in one line of the script."""
    run = made if isinstance(made, Run) else logged(made)
    where = Where("loss", "head", "aten::add", "train.py", 41)
    seen = tuple(Observation(key, f"{key} was seen", step, where=where) for key in keys)
    return dataclasses.replace(run, observations=seen)


def healthy(rows: int, unit: float) -> Columns:
    return {"loss": decay(rows) * unit, "grad_norm": norms(rows), "lr": warm_up(rows)}


def broken_from(columns: Columns, row: int, value: float = NAN) -> Columns:
    """Loss and gradient norm are `value` from a row on."""
    changed = dict(columns)
    for name in ("loss", "grad_norm"):
        if name in changed:
            changed[name] = put(changed[name], slice(row, None), value)
    return changed


def crashing(rows: int, unit: float, at: int | None = None) -> Run:
    """A healthy run that ends in an index out of range, or says so at a row and goes on."""
    message = Message(Said.INDEX_OUT_OF_RANGE, at or rows, "IndexError: Target 10 is out of bounds")
    return dataclasses.replace(logged(healthy(rows, unit)), messages=(message,))


def overshooting(rows: int, unit: float) -> Columns:
    """The square law from the third row on, into NaN."""
    steps = np.arange(rows, dtype=float)
    with np.errstate(over="ignore"):
        loss, norm = 0.9 * unit * 1.8 ** (2 * steps), 0.7 * 1.8**steps
    columns = {"loss": loss, "grad_norm": norm, "lr": constant(rows, 0.3)}
    return broken_from(columns, min(rows - 5, 60))


def exploding_late(rows: int, unit: float) -> Columns:
    """A ramp of loss and norm at a constant rate, to the end of the log."""
    at = rows - max(8, rows // 10)
    loss, norm = grow(decay(rows), at, 1.45), grow(norms(rows, noise=0.1), at, 1.45)
    return {"loss": loss * unit, "grad_norm": norm, "lr": constant(rows)}


def raised_rate(rows: int, unit: float) -> Columns:
    at = rows * 3 // 4
    columns = exploding_late(rows, unit)
    loss, norm = grow(decay(rows), at, 1.4, 12), grow(norms(rows, noise=0.1), at, 1.4, 12)
    columns = {"loss": loss * unit, "grad_norm": norm}
    rate = scale(constant(rows, 1e-3), slice(at - 1, None), 20.0)
    return {**broken_from(columns, at + 12), "lr": rate}


def peak_of_warm_up(rows: int, unit: float) -> Columns:
    at = rows * 3 // 4
    loss, norm = grow(decay(rows), at, 1.4, 12), grow(norms(rows, noise=0.1), at, 1.4, 12)
    columns = broken_from({"loss": loss * unit, "grad_norm": norm}, at + 12)
    return {**columns, "lr": warm_up(rows, ramp=int(rows * 0.8))}


def growing_gradients(rows: int, unit: float) -> Columns:
    at = rows * 9 // 10
    growth = np.geomspace(1.0, 300.0, rows)
    loss = grow(decay(rows), at, 1.25)
    return {
        "loss": loss * unit,
        "grad_norm": norms(rows, noise=0.15) * growth,
        "lr": constant(rows),
    }


def never_cleared(rows: int, unit: float) -> Columns:
    norm = 0.5 + 0.1 * np.arange(rows) + 0.01 * np.sin(np.arange(rows))
    swing = 1.0 + 0.6 * np.sin(np.arange(rows) / 9) ** 2
    return {"loss": decay(rows) * swing * unit, "grad_norm": norm}


def huge_weights(rows: int, unit: float) -> Columns:
    columns = broken_from({"loss": np.full(rows, 4e7), "grad_norm": np.full(rows, 2e6)}, 1)
    layer = {"grad/fc1.weight": np.full(rows, 2e6), "grad/fc1.bias": np.full(rows, 2e5)}
    return columns | {k: put(v, slice(1, None), NAN) for k, v in layer.items()}


def raw_features(rows: int, unit: float) -> Columns:
    columns = broken_from({"loss": np.full(rows, 4e5), "grad_norm": np.full(rows, 5e7)}, 2)
    columns["loss"][1] = 9e20
    columns["grad_norm"][1] = 8e16
    layer = {"grad/fc1.weight": constant(rows, 5e7), "grad/fc1.bias": constant(rows, 2e4)}
    return columns | {k: put(v, slice(2, None), NAN) for k, v in layer.items()}


def sudden(rows: int, unit: float) -> Columns:
    return broken_from(healthy(rows, unit), rows * 3 // 4)


def one_outlier(rows: int, unit: float, height: float = 2000.0) -> Columns:
    at = rows * 3 // 4
    return {
        "loss": scale(decay(rows), at, height) * unit,
        "grad_norm": scale(norms(rows), at, height),
        "lr": constant(rows),
    }


def wrecking_outlier(rows: int, unit: float) -> Columns:
    at = rows * 3 // 4
    after = steady(rows - at - 3, usual=12.0, noise=0.05)
    loss = np.concatenate([decay(at), [900.0, 40.0, 20.0], after])
    norm = scale(norms(rows), at, 150.0)
    return {"loss": loss * unit, "grad_norm": norm, "lr": constant(rows)}


def recurring(rows: int, unit: float) -> Columns:
    period = rows // 5
    at = slice(period // 2, None, period)
    return {"loss": scale(decay(rows), at, 12.0) * unit, "grad_norm": scale(norms(rows), at, 15.0)}


def shuffled(rows: int, unit: float) -> Columns:
    epochs, length = 8, rows // 8
    rng = np.random.default_rng(3)
    at = [e * length + int(rng.integers(length // 8, length * 7 // 8)) for e in range(epochs)]
    return {
        "loss": scale(decay(rows), at, 12.0) * unit,
        "grad_norm": scale(norms(rows), at, 15.0),
        "epoch": np.arange(rows) / length,
    }


def all_ignored(rows: int, unit: float) -> Columns:
    at = [rows // 3, rows // 2, rows * 4 // 5]
    return {"loss": put(decay(rows), at, NAN) * unit, "grad_norm": put(norms(rows), at, 0.0)}


def backward_only(rows: int, unit: float) -> Columns:
    columns, at = healthy(rows, unit), rows * 3 // 4
    return {
        "loss": put(columns["loss"], slice(at + 1, None), NAN),
        "grad_norm": put(columns["grad_norm"], slice(at, None), NAN),
    }


def running_down(rows: int, unit: float) -> Columns:
    at = rows * 9 // 10
    rng = np.random.default_rng(5)
    loss = 1.0 - 8.0 * np.arange(rows) / rows + 0.02 * rng.standard_normal(rows)
    norm = norms(rows) * np.geomspace(1.0, 60.0, rows)
    return broken_from({"loss": loss * unit, "grad_norm": norm}, at)


def saturated(rows: int, unit: float) -> Columns:
    at = rows // 3
    stuck = 100 / 16 * (1 + np.arange(rows - at) % 5)
    return {"loss": np.concatenate([decay(at, start=0.7, end=0.4), stuck])}


def half_precision(rows: int, unit: float) -> Columns:
    at = rows * 3 // 4
    fall = 65536 / 2.0 ** np.arange(1, rows - at + 1)
    columns = broken_from(healthy(rows, unit), at)
    return {**columns, "loss_scale": np.concatenate([constant(at, 65536.0), fall])}


def collapsing_scale(rows: int, unit: float) -> Columns:
    at = rows * 3 // 4
    fall = 65536 / 2.0 ** np.arange(1, rows - at + 1)
    norm = put(norms(rows), slice(at, None), INF)
    return {
        "loss": np.concatenate([decay(at), steady(rows - at, usual=0.5, noise=0.02)]) * unit,
        "grad_norm": norm,
        "loss_scale": np.concatenate([constant(at, 65536.0), fall]),
    }


def bad_checkpoint(rows: int, unit: float) -> Run:
    columns = {"loss": constant(rows, NAN), "grad_norm": constant(rows, NAN)}
    return run_of(columns, np.arange(rows) + 50_000)


def bad_resume(rows: int, unit: float) -> Run:
    return run_of(sudden(rows, unit), resumed_at=(rows * 3 // 4,))


def vanishing(rows: int, unit: float) -> Columns:
    layers = {f"grad/l{i}.weight": norms(rows, usual=10.0 ** (i - 7)) for i in range(7)}
    return {"loss": steady(rows, usual=2.3, noise=0.003) * unit, **layers}


def collapsed_rate(rows: int, unit: float) -> Columns:
    at = rows // 5
    loss = np.concatenate([decay(at, end=1.8), steady(rows - at, usual=1.8, noise=0.004)])
    rate = scale(constant(rows), slice(at, None), 1e-7)
    return {"loss": loss * unit, "grad_norm": norms(rows), "lr": rate}


def switched_off(rows: int, unit: float) -> Columns:
    at = rows // 3
    loss = np.concatenate([decay(at, end=2.0), steady(rows - at, usual=2.3, noise=0.004)])
    return {"loss": loss * unit, "grad_norm": put(norms(rows), slice(at, None), 0.0)}


def switched_off_by_a_burst(rows: int, unit: float) -> Columns:
    """The same after the loss had been far lower: it ends above its best level."""
    at = rows // 3
    loss = np.concatenate(
        [decay(at, end=0.5), [1500.0], steady(rows - at - 1, usual=2.3, noise=0.004)]
    )
    return {"loss": loss * unit, "grad_norm": put(norms(rows), slice(at + 1, None), 0.0)}


def ascending(rows: int, unit: float) -> Columns:
    course = np.linspace(0.0, 3.0, rows) ** 2
    rate = constant(rows, -1e-3)
    return {"loss": 2.3 * np.exp(course) * unit, "grad_norm": 0.5 * np.exp(course), "lr": rate}


def mask_of_255(rows: int, unit: float) -> Columns:
    return {"bce_loss": np.linspace(0.7, -3000.0, rows) * unit}


def too_long_for_ctc(rows: int, unit: float) -> Columns:
    at = rows * 3 // 4
    loss = put(put(decay(rows, start=30.0, end=3.0), slice(at, None), NAN), at, INF)
    return {"ctc_loss": loss * unit}


def poisoned_statistics(rows: int, unit: float) -> Run:
    every = np.arange(4, rows, rows // 20)
    validation = put(decay(len(every)), slice(len(every) // 2, None), NAN)
    return run_of({"loss": decay(rows) * unit, "val_loss": (every, validation * unit)})


def nothing_learned(rows: int, unit: float) -> Columns:
    return {"loss": steady(rows, usual=2.3, noise=0.003) * unit, "grad_norm": norms(rows)}


def certain_to_infinity(rows: int, unit: float) -> Columns:
    """A logarithm reaches 0: the loss is infinite in one row, then everything is NaN."""
    at = rows * 3 // 4
    columns = broken_from(healthy(rows, unit), at)
    return {**columns, "loss": put(columns["loss"], at, INF)}


def heavy_tails(rows: int, unit: float) -> Columns:
    rng = np.random.default_rng(8)
    at = np.sort(rng.choice(np.arange(rows // 5, rows - 5), size=7, replace=False))
    at = at[np.concatenate([[True], np.diff(at) > 3])]
    norm = norms(rows, noise=0.1)
    norm[at] *= rng.uniform(20.0, 60.0, len(at))
    return {"loss": decay(rows) * unit, "grad_norm": norm, "lr": constant(rows)}


def stale_moment(rows: int, unit: float) -> Columns:
    """Tiny gradients for long; then the norm leaps, the loss follows and is slow to come back."""
    at = rows * 3 // 4
    width = 14
    bump = np.ones(rows)
    bump[at + 2 : at + 2 + width] = 1.0 + 12.0 * np.linspace(1.0, 0.0, width) ** 1.5
    shrinking = np.geomspace(1.0, 0.01, rows)
    norm = norms(rows, noise=0.1) * shrinking
    norm[at : at + width] *= np.linspace(30.0, 2.0, width)
    return {"loss": decay(rows) * bump * unit, "grad_norm": norm, "lr": constant(rows)}


def clipped_while_scaled(rows: int, unit: float) -> Columns:
    doubled = 2.0 ** (np.arange(rows) // (rows // 4))
    factor = 16384.0 * doubled
    return {
        "loss": steady(rows, usual=2.3, noise=0.003) * unit,
        "grad_norm": norms(rows, usual=1.2, noise=0.1) * factor,
        "loss_scale": factor,
    }


def policy_left(rows: int, unit: float) -> Columns:
    at = rows * 3 // 4
    kl = 0.01 + 0.002 * np.sin(np.arange(rows))
    kl[at - 3 :] = 0.6 * 3.0 ** np.minimum(np.arange(rows - at + 3), 12)
    return {**broken_from(healthy(rows, unit), at), "train/approx_kl": kl}


def won_by_one(rows: int, unit: float) -> Columns:
    course = np.linspace(0.0, 1.0, rows)
    unit = max(unit, 1.0)  # the cross-entropies of a game have a unit of their own
    return {
        "loss_d": 0.7 * np.exp(-9.0 * course) * unit,
        "loss_g": (0.7 + 14.0 * course) * unit,
    }


def hot_temperature(rows: int, unit: float) -> Columns:
    at = rows * 3 // 4
    columns = exploding_late(rows, unit)
    heat = 14.0 * np.exp(4.5 * np.clip((np.arange(rows) - rows // 2) / (at - rows // 2), 0, 2))
    return {**columns, "logit_scale": heat}


def smaller_last_batch(rows: int, unit: float) -> Columns:
    length = rows // 4
    columns = broken_from(healthy(rows, unit), 3 * length - 1)
    return {**columns, "epoch": np.floor(np.arange(rows) / length)}


def too_small_for_half(rows: int, unit: float) -> Columns:
    return {
        "loss": steady(rows, usual=2.3, noise=0.003) * unit,
        "grad_norm": constant(rows, 0.0),
        "loss_scale": np.where(np.arange(rows) < 5, 64.0, 2.0),
    }


def half_precision_adam(rows: int, unit: float) -> Run:
    run = logged(broken_from(healthy(rows, min(unit, 1.0)), 1))
    return dataclasses.replace(run, hparams={"dtype": "float16"})


def resumed_bare(rows: int, unit: float) -> Run:
    at = rows // 2
    bump = np.ones(rows)
    bump[at + 1 : at + 21] = 1.0 + 8.0 * np.linspace(1.0, 0.05, 20)
    columns = {"loss": decay(rows) * bump * unit, "lr": constant(rows)}
    return run_of(columns, resumed_at=(at,))


def flipped_bit(rows: int, unit: float) -> Columns:
    at = rows * 3 // 4
    after = 9.0 * np.exp(-np.arange(rows - at) / (rows / 12))
    bump = np.concatenate([np.ones(at), 1.0 + after])
    return {"loss": decay(rows) * bump * unit, "grad_norm": norms(rows), "lr": constant(rows)}
