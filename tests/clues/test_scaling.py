"""Clues of a loss scale that shows in the gradient norm."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Column, Columns, clues_of, constant, decay, norms, put, run_of, steady

ROWS = 200
DOUBLED = 16384.0 * np.exp2(np.floor(np.arange(ROWS) / 50))
SCALED = norms(ROWS, usual=1.2) * DOUBLED
FLAT = steady(ROWS, usual=2.3, noise=0.003)
ZERO = constant(ROWS, 0.0)


def logged(norm: Column, scale: Column, loss: Column = FLAT) -> dict[str, Column]:
    """Loss, norm and scale."""
    return {"loss": loss, "grad_norm": norm, "loss_scale": scale}


def accumulated(every: int) -> Column:
    """A norm that is logged as 0 in all rows but those of an update."""
    return np.where(np.arange(ROWS) % every == every - 1, norms(ROWS), 0.0)


UNDERFLOWING = put(ZERO, [3, 17, 60, 61, 62, 90, 151], 1e-4)
LOWERED = np.where(np.arange(ROWS) < 5, 64.0, 2.0)

UNSEEN: Table = {
    "norm_follows_scale": {
        "a true norm beside a big scale": logged(norms(ROWS), constant(ROWS, 65536.0)),
        "a true norm beside a moving scale": logged(norms(ROWS), DOUBLED),
        "a large true norm beside a moving scale": logged(norms(ROWS, usual=9e3), DOUBLED),
        "a spiky true norm": logged(put(norms(ROWS), slice(9, None, 20), 4e4), DOUBLED),
        "a low scale": logged(norms(ROWS, usual=128.0), constant(ROWS, 128.0)),
        "no scale": {"loss": FLAT, "grad_norm": SCALED},
        "no norm": {"loss": FLAT, "loss_scale": DOUBLED},
        "ten rows": logged(SCALED[:10], DOUBLED[:10], FLAT[:10]),
        "infinite": logged(constant(ROWS, np.inf), DOUBLED),
        "zero": logged(ZERO, DOUBLED),
    },
    "scale_stays_low": {
        "ordinary": logged(norms(ROWS), constant(ROWS, 65536.0)),
        "switched off": logged(norms(ROWS), constant(ROWS, 1.0)),
        "low for a while": logged(norms(ROWS), np.where(np.arange(ROWS) < ROWS // 2, 4.0, 4096.0)),
        "32": logged(norms(ROWS), constant(ROWS, 32.0)),
        "zero": logged(norms(ROWS), ZERO),
        "into NaN": logged(norms(ROWS), LOWERED, put(FLAT, slice(150, None), np.nan)),
        "ten rows": logged(norms(10), LOWERED[:10], FLAT[:10]),
        "no scale": {"loss": FLAT, "grad_norm": norms(ROWS)},
    },
    "gradient_zero_from_start": {
        "alive": {"loss": FLAT, "grad_norm": norms(ROWS)},
        "tiny": {"loss": FLAT, "grad_norm": norms(ROWS) * 1e-30},
        "from mid-run on": {"loss": FLAT, "grad_norm": put(norms(ROWS), slice(50, None), 0.0)},
        "now and then": {"loss": FLAT, "grad_norm": put(norms(ROWS), slice(0, None, 3), 0.0)},
        "between the updates of four": {"loss": decay(ROWS), "grad_norm": accumulated(4)},
        "between the updates of sixteen": {"loss": FLAT, "grad_norm": accumulated(16)},
        "ten rows": {"loss": FLAT[:10], "grad_norm": ZERO[:10]},
        "into NaN": {"loss": put(FLAT, slice(150, None), np.nan), "grad_norm": ZERO},
    },
}
SEEN: Table = {
    "norm_follows_scale": {
        "a scale that grows": logged(SCALED, DOUBLED),
        "a constant scale": logged(norms(ROWS, usual=1.2) * 65536, constant(ROWS, 65536.0)),
        "noisy": logged(norms(ROWS, noise=0.6) * DOUBLED, DOUBLED),
        "skipped steps": logged(put(SCALED, [3, 77, 120], np.inf), DOUBLED),
        "learning": logged(SCALED, DOUBLED, decay(ROWS)),
        "scale every fifth row": {
            "loss": FLAT,
            "grad_norm": SCALED,
            "loss_scale": (np.arange(0, ROWS, 5), DOUBLED[::5]),
        },
        "thirty rows": logged(SCALED[:30], DOUBLED[:30], FLAT[:30]),
    },
    "scale_stays_low": {
        "lowered": logged(norms(ROWS), LOWERED),
        "below 1": logged(norms(ROWS), LOWERED / 64),
        "no norm": {"loss": decay(ROWS), "loss_scale": LOWERED},
        "sparse": run_of(logged(norms(ROWS), LOWERED), np.arange(ROWS) * 50),
    },
    "gradient_zero_from_start": {
        "always": {"loss": FLAT, "grad_norm": ZERO},
        "nearly always": {"loss": FLAT, "grad_norm": UNDERFLOWING},
        "but for the first row": {"loss": FLAT, "grad_norm": put(ZERO, 0, 0.4)},
        "tiny unit": {"loss": FLAT * 1e-6, "grad_norm": ZERO},
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
