"""Clues of the place in the epoch."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Column, Columns, clues_of, decay, norms, put, run_of, scale

ROWS, LENGTH = 200, 50


def breaking(row: int, epoch: Column, rows: int = ROWS) -> dict[str, Column]:
    """NaN from a row on, beside an epoch."""
    return {"loss": put(decay(rows), slice(row, None), np.nan), "epoch": epoch[:rows]}


WHOLE = np.floor(np.arange(ROWS) / LENGTH)
STARTED = np.arange(ROWS) / LENGTH
DONE = (np.arange(ROWS) + 1) / LENGTH
SHORT = np.floor(np.arange(ROWS) / 4)
RESUMED = np.floor((np.arange(ROWS) + LENGTH - 3) / LENGTH)

STARTED_LONG, DONE_LONG = np.arange(500) / LENGTH, (np.arange(500) + 1) / LENGTH


def spiking(rows: Iterable[int]) -> Column:
    """A healthy loss with a spike in some rows."""
    return scale(decay(500), list(rows), 9.0)


UNSEEN: Table = {
    "spikes_end_epochs": {
        "one step before": {"loss": spiking(range(48, 500, 50)), "epoch": DONE_LONG},
        "first step of the next": {"loss": spiking(range(50, 500, 50)), "epoch": DONE_LONG},
        "three": {"loss": spiking([49, 99, 149]), "epoch": DONE_LONG},
        "half of them elsewhere": {
            "loss": spiking([49, 99, 149, 199, 22, 122, 222, 333]),
            "epoch": DONE_LONG,
        },
        "the last logged step of whole epochs, not every one logged": run_of(
            {"loss": spiking(range(9, 500, 10)), "epoch": np.floor(np.arange(500) / 10)},
            np.arange(500) * 5,
        ),
        "no epoch": {"loss": spiking(range(49, 500, 50))},
    },
    "at_epoch_end": {
        "one step before": breaking(148, WHOLE),
        "first step of the next": breaking(150, WHOLE),
        "mid-epoch": breaking(120, WHOLE),
        "fraction, one step before": breaking(148, STARTED),
        "fraction, first step of the next": breaking(150, STARTED),
        "fraction of steps done, one step before": breaking(148, DONE),
        "fraction of steps done, first step of the next": breaking(150, DONE),
        "epochs of four steps": breaking(151, SHORT),
        "one epoch": breaking(149, np.zeros(ROWS)),
        "the log ends before the epoch does": breaking(139, WHOLE, 140),
        "every tenth step": run_of(breaking(149, WHOLE), np.arange(ROWS) * 10),
        "a spike": {"loss": scale(decay(ROWS), 149, 30.0), "epoch": WHOLE},
        "no epoch": {"loss": put(decay(ROWS), slice(149, None), np.nan)},
        "healthy": {"loss": decay(ROWS), "epoch": WHOLE},
    },
}
SEEN: Table = {
    "spikes_end_epochs": {
        "fraction of steps done": {"loss": spiking(range(49, 500, 50)), "epoch": DONE_LONG},
        "whole": {"loss": spiking(range(49, 500, 50)), "epoch": np.floor(STARTED_LONG)},
        "one elsewhere": {"loss": spiking([*range(49, 500, 50), 222]), "epoch": DONE_LONG},
        "every fifth step": run_of(
            {"loss": spiking(range(9, 500, 10)), "epoch": DONE_LONG * 5}, np.arange(500) * 5
        ),
    },
    "at_epoch_end": {
        "whole": breaking(149, WHOLE),
        "counted from 1": breaking(149, WHOLE + 1),
        "fraction": breaking(149, STARTED),
        "fraction of steps done": breaking(149, DONE),
        "end of the first one": breaking(49, WHOLE),
        "steps from 1": run_of(breaking(149, WHOLE), np.arange(ROWS) + 1),
        "where the log ends": breaking(149, WHOLE, 150),
        "a log that begins in mid-epoch": breaking(102, RESUMED),
        "such a log, to its end": breaking(152, RESUMED, 153),
        "one row only": {"loss": put(decay(ROWS), 149, np.nan), "epoch": WHOLE},
        "the gradient": {
            "loss": decay(ROWS),
            "grad_norm": put(norms(ROWS), slice(149, None), np.nan),
            "epoch": WHOLE,
        },
    },
}


def test_the_end_of_a_long_epoch_is_a_stronger_clue() -> None:
    long = run_of(breaking(199, np.floor(np.arange(400) / 200), 400))
    short = run_of(breaking(149, np.floor(np.arange(ROWS) / 10)))
    strengths = [clues_of(run)["at_epoch_end"].strength for run in (long, short)]
    assert strengths[0] > 1.5 * strengths[1]


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
