"""A layer that gets zeros for every sample, told from its own gradients."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.dead_layer import detect
from tests.synthetic import Column, Columns, decay, norms, put, run_of, told

ROWS = 60
ALIVE, NOTHING = norms(ROWS), np.zeros(ROWS)


def layers(*pairs: tuple[Column, Column], rows: int = ROWS) -> Columns:
    """A run with gradient norms of weights and biases, the first layer first."""
    named = {
        f"grad/{at}.{name}": values[:rows]
        for at, pair in enumerate(pairs)
        for name, values in zip(("weight", "bias"), pair, strict=True)
    }
    return {"loss": decay(rows), "grad_norm": ALIVE[:rows], **named}


OFF, ON, CUT = (NOTHING, NOTHING), (ALIVE, ALIVE), (NOTHING, ALIVE)

NONE: dict[str, Columns] = {
    "all learn": layers(ON, ON, ON),
    "frozen below": layers(OFF, OFF, ON),
    "only biases are trained": layers(CUT, CUT, CUT),
    "a frozen weight above layers that learn": layers(ON, CUT, ON),
    "frozen below, biases above": layers(OFF, ON, CUT),
    "nothing gets any": layers(OFF, OFF, OFF),
    "once it got some": layers(OFF, (put(NOTHING, 30, 1e-9), ALIVE)),
    "a bias that is 0 now and then": layers(OFF, (NOTHING, put(ALIVE, 30, 0.0))),
    "few rows": layers(OFF, CUT, rows=15),
    "no biases": {"loss": decay(ROWS), "grad/0.weight": NOTHING, "grad/1.weight": ALIVE},
    "no layers": {"loss": decay(ROWS), "grad_norm": ALIVE},
}


@pytest.mark.parametrize("columns", NONE.values(), ids=NONE)
def test_none(columns: Columns) -> None:
    assert list(detect(run_of(columns))) == []


@pytest.mark.parametrize(
    ("pairs", "at"), [((OFF, CUT), 1), ((OFF, OFF, CUT), 2), ((ON, OFF, CUT, ON), 2)]
)
def test_found(pairs: tuple[tuple[Column, Column], ...], at: int) -> None:
    events = list(detect(run_of(layers(*pairs))))
    assert told(events) == [("dead_units", "warning", 0, False)]
    assert events[0].series == f"grad/{at}.weight"
