"""Clues of a run that was resumed."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Column, Columns, clues_of, decay, norms, put, run_of, scale

ROWS, AT = 400, 200


def jumping(at: int, factor: float = 12.0, rows: int = 20) -> Column:
    """A loss that jumps and comes back."""
    return scale(decay(ROWS), slice(at, at + rows), np.linspace(factor, 1.0, rows))


def rewound(loss: Column) -> Run:
    """A log whose step goes back by 30 in row 200."""
    steps = np.arange(ROWS)
    return run_of({"loss": loss}, np.where(steps < AT, steps, steps - 30))


def counted_anew(loss: Column) -> Run:
    """A log whose epoch starts over in row 200, its step does not."""
    epoch = np.floor(np.arange(ROWS) % AT / 50)
    return run_of({"loss": loss, "epoch": epoch})


UNSEEN: Table = {
    "begins_at_resume": {
        "never resumed": run_of({"loss": jumping(AT + 1)}),
        "long after": run_of({"loss": jumping(AT + 80)}, resumed_at=(AT,)),
        "before": run_of({"loss": jumping(AT - 25)}, resumed_at=(AT,)),
        "resumed without trouble": run_of({"loss": decay(ROWS)}, resumed_at=(AT,)),
        "the log begins with the resume": run_of({"loss": jumping(20)}, resumed_at=(0,)),
        "NaN": run_of({"loss": put(decay(ROWS), slice(AT, None), np.nan)}, resumed_at=(AT,)),
        "long after the step went back": rewound(jumping(AT + 80)),
        "long after the epoch started over": counted_anew(jumping(AT + 80)),
        "epochs that go on": run_of({"loss": jumping(AT), "epoch": np.floor(np.arange(ROWS) / 50)}),
    },
}
SEEN: Table = {
    "begins_at_resume": {
        "at once": run_of({"loss": jumping(AT)}, resumed_at=(AT,)),
        "a few rows later": run_of({"loss": jumping(AT + 12)}, resumed_at=(AT,)),
        "the second time": run_of({"loss": jumping(AT + 3)}, resumed_at=(60, AT)),
        "sparse": run_of({"loss": jumping(AT)}, np.arange(ROWS) * 100, resumed_at=(AT,)),
        "tiny unit": run_of({"loss": jumping(AT) * 1e-6}, resumed_at=(AT,)),
        "for good": run_of({"loss": scale(decay(ROWS), slice(AT, None), 20.0)}, resumed_at=(AT,)),
        "only the norm": run_of(
            {"loss": decay(ROWS), "grad_norm": scale(norms(ROWS), AT + 1, 60.0)}, resumed_at=(AT,)
        ),
        "the step went back": rewound(jumping(AT + 2)),
        "the epoch started over": counted_anew(jumping(AT + 2)),
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
