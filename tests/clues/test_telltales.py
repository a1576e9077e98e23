"""Clues of other series whose names give the culprit away."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Column, Columns, clues_of, constant, decay, norms, put

ROWS = 200
BROKEN = put(decay(ROWS), slice(150, None), np.nan)


def beside(name: str, values: Column, loss: Column = BROKEN) -> Columns:
    """A series beside a loss that is NaN from row 150 on."""
    return {"loss": loss, name: values}


def course(first: float, last: float) -> Column:
    """Geometric, until the loss is NaN; then level."""
    return np.concatenate([np.geomspace(first, last, 150), constant(50, last)])


COUNTED = put(constant(ROWS, 0.0), slice(150, None), 3.0)
EMPTY = put(constant(ROWS, 12.0), 150, 0.0)
REACHED = put(norms(ROWS, usual=0.4), slice(149, None), 1.0)
OFF = np.concatenate([np.linspace(0.5, 0.97, 50), constant(ROWS - 50, 1.0)])
NARROW = np.concatenate([np.linspace(0.0, -20.0, 150), constant(50, np.nan)])

ALONE = put(norms(ROWS, usual=0.3), [150, 181], np.nan)
GONE = put(norms(ROWS, usual=0.3), slice(150, None), np.nan)
CUT = BROKEN[:151]

UNSEEN: Table = {
    "nan_in_data": {
        "never": beside("nan_in_batch", constant(ROWS, 0.0)),
        "always": beside("nan_in_batch", constant(ROWS, 2.0)),
        "with the model": beside("pred_mean", GONE),
        "with the model, by its name": beside("target_mean", GONE),
        "before as well": beside("target_mean", put(ALONE, 90, np.nan)),
        "a row later": beside("x_std", put(norms(ROWS), 153, np.nan)),
        "a loss that is back": beside("x_std", ALONE, put(decay(ROWS), 150, np.nan)),
        "cut off, of the model": {"loss": CUT, "logit_mean": GONE[:151]},
        "cut off, of embeddings": {"loss": CUT, "input_embedding_norm": GONE[:151]},
        "cut off, an error": {"loss": CUT, "pred_minus_target_mean": GONE[:151]},
        "cut off, bootstrapped": {"loss": CUT, "target_q_mean": GONE[:151]},
        "healthy, a measure": beside("target_mean", ALONE, decay(ROWS)),
        "another name": beside("clipped_samples", COUNTED),
        "healthy": beside("nan_in_batch", COUNTED, decay(ROWS)),
    },
    "no_targets": {
        "never 0": beside("num_target_tokens", constant(ROWS, 12.0)),
        "often 0": beside("num_target_tokens", put(EMPTY, slice(120, 145, 2), 0.0)),
        "another name": beside("reward", EMPTY),
        "healthy": beside("num_target_tokens", EMPTY, decay(ROWS)),
    },
    "probability_saturated": {
        "below 1": beside("prob_max", norms(ROWS, usual=0.4)),
        "always 1": beside("prob_max", constant(ROWS, 1.0)),
        "another name": beside("momentum", REACHED),
        "healthy": beside("prob_max", REACHED, decay(ROWS)),
    },
    "variance_collapsed": {
        "wide": beside("log_sigma", norms(ROWS)),
        "another name": beside("temperature", NARROW),
        "healthy": beside("log_sigma", NARROW, decay(ROWS)),
    },
    "units_off": {
        "some": beside("relu_dead_fraction", constant(ROWS, 0.7)),
        "all from the start": beside("relu_dead_fraction", constant(ROWS, 1.0)),
        "only at the end": beside("relu_dead_fraction", put(OFF, slice(50, ROWS - 3), 0.9)),
        "another name": beside("accuracy_of_x", OFF),
        "healthy": beside("relu_dead_fraction", OFF, decay(ROWS)),
    },
}
SEEN: Table = {
    "nan_in_data": {
        **{name: beside(name, COUNTED) for name in ("nan_in_batch", "nan_in_targets", "data/nan")},
        "a measure": beside("target_mean", ALONE),
        "whatever its name": beside("gauge", ALONE),
        "cut off": {"loss": CUT, "label_std": GONE[:151]},
    },
    "no_targets": {
        name: beside(name, EMPTY) for name in ("sft/num_target_tokens", "n_valid", "count/labels")
    },
    "probability_saturated": {"1": beside("prob_max", REACHED), "0": beside("p_min", 1 - REACHED)},
    "variance_collapsed": {"": beside("log_sigma", NARROW)},
    "units_off": {
        name: beside(name, OFF) for name in ("act/conv2_zero_frac", "dead_units", "sparsity/fc1")
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
