"""A gradient norm that ends many times above its usual level."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.gradient_explosion import detect
from tests.synthetic import Columns, decay, grow, norms, put, run_of, scale, told

ROWS = 400

NONE: dict[str, Columns] = {
    "no norm": {"loss": grow(decay(ROWS), 300, 1.1)},
    "level": {"grad_norm": norms(ROWS)},
    "falling": {"grad_norm": decay(ROWS, start=50.0)},
    "four times": {"grad_norm": norms(ROWS) * np.linspace(1.0, 4.0, ROWS)},
    "a spike that came back": {"grad_norm": scale(norms(ROWS), slice(300, 310), 80.0)},
    "zero": {"grad_norm": np.zeros(ROWS)},
    "NaN only": {"grad_norm": np.full(ROWS, np.nan)},
    "up from next to nothing to its first size": {
        "grad_norm": np.concatenate([norms(150), norms(100) * 1e-4, norms(150)])
    },
}


@pytest.mark.parametrize("columns", NONE.values(), ids=NONE)
def test_none(columns: Columns) -> None:
    assert told(list(detect(run_of(columns)))) == []


@pytest.mark.parametrize(
    ("columns", "at"),
    [
        ({"loss": decay(ROWS), "grad_norm": grow(norms(ROWS, noise=0.1), 350, 1.15)}, 350),
        ({"loss": decay(20), "grad_norm": grow(norms(20, noise=0.1), 12, 2.5)}, 12),
        (
            {
                "loss": decay(ROWS),
                "grad_norm": put(grow(norms(ROWS, noise=0.1), 360, 2.0), slice(370, None), np.inf),
            },
            360,
        ),
    ],
    ids=["long", "twenty rows", "into infinity"],
)
def test_found_and_only_a_warning(columns: Columns, at: int) -> None:
    ((kind, severity, step, recovered),) = told(list(detect(run_of(columns))))
    assert (kind, severity, recovered) == ("divergence", "warning", False)
    assert step is not None
    assert abs(step - at) <= 20
