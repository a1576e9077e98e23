"""Clues of what the log says in words."""

from __future__ import annotations

import dataclasses

import numpy as np

from gradcheck.model import Message, Run, Said
from tests.clues import Table, cases
from tests.synthetic import Columns, clues_of, decay, norms, put, run_of

ROWS = 200
INDEX = Message(Said.INDEX_OUT_OF_RANGE, ROWS, "IndexError: Target 10 is out of bounds.")
ASSERTION = Message(Said.DEVICE_ASSERT, ROWS, "CUDA error: device-side assert triggered")
ANOMALY = Message(
    Said.NONFINITE, ROWS, "Function 'LogBackward0' returned nan values in its 0th output."
)


def saying(*messages: Message, at: int = ROWS) -> Run:
    """A healthy run with messages at its end, or elsewhere."""
    run = run_of({"loss": decay(ROWS), "grad_norm": norms(ROWS)})
    moved = tuple(dataclasses.replace(message, order=at) for message in messages)
    return dataclasses.replace(run, messages=moved)


OTHER = Message(Said.EXCEPTION, ROWS, "ValueError: too many values to unpack")
PRODUCT = dataclasses.replace(ANOMALY, text="Function 'MulBackward0' returned nan values")
UNALIGNED = Message(Said.NONFINITE, 150, "W ctc_loss_calculator.cc:144] No valid path found.")
FAILED = run_of({"loss": put(decay(ROWS), slice(150, None), np.inf), "grad_norm": norms(ROWS)})

UNSEEN: Table = {
    "index_out_of_range_said": {
        "nothing said": saying(),
        "another error": saying(OTHER),
        "caught, and the run went on": saying(INDEX, at=50),
    },
    "device_assert_said": {"another error": saying(OTHER), "went on": saying(ASSERTION, at=50)},
    "no_alignment_said": {
        "a run that goes on": saying(UNALIGNED, at=50),
        "another error": dataclasses.replace(FAILED, messages=(PRODUCT,)),
    },
    "undefined_operation_said": {"a product": saying(PRODUCT), "no operation": saying(OTHER)},
}
SEEN: Table = {
    "index_out_of_range_said": {"at the end": saying(INDEX), "after another": saying(OTHER, INDEX)},
    "device_assert_said": {"at the end": saying(ASSERTION)},
    "no_alignment_said": {
        "the loss is infinite": dataclasses.replace(FAILED, messages=(UNALIGNED,))
    },
    "undefined_operation_said": {"a logarithm": saying(ANOMALY)},
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)


def test_the_line_is_named_where_lines_are_counted() -> None:
    run = dataclasses.replace(saying(INDEX), by_line=True)
    assert clues_of(run)["index_out_of_range_said"].evidence.statement == (
        "line 200 says: IndexError: Target 10 is out of bounds."
    )


def test_what_is_said_beside_a_nan() -> None:
    broken = put(decay(ROWS), slice(150, None), np.nan)
    run = dataclasses.replace(run_of({"loss": broken}), messages=(ANOMALY,))
    assert "undefined_operation_said" in clues_of(run)
