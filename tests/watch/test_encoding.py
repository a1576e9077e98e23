"""Rows of a record as the events that TensorBoard's own message types read."""

from __future__ import annotations

import math
import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event

from gradcheck.readers import crc32c
from gradcheck.watch import encoding
from gradcheck.watch.encoding import Row

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)
NUMBERS = st.floats(allow_nan=True, width=64)
ROWS = st.lists(
    st.tuples(
        st.integers(-2, 300) | st.integers(-(2**63), 2**63 - 1),
        st.floats(0, 2e9),
        st.one_of(
            st.dictionaries(NAMES, NUMBERS, max_size=6),
            st.fixed_dictionaries({"loss": NUMBERS, "grad_norm": NUMBERS}),
        ),
    ),
    max_size=12,
)


def _payloads(data: bytes) -> list[bytes]:
    found = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 8], "little")
        assert data[at + 8 : at + 12] == crc32c.length_crc(length).to_bytes(4, "little")
        payload = data[at + 12 : at + 12 + length]
        after = at + 12 + length
        expected = crc32c.mask(crc32c.extend(0, payload))
        assert data[after : after + 4] == expected.to_bytes(4, "little")
        found.append(payload)
        at = after + 4
    return found


def _single(number: float) -> float:
    """As float32 holds it."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError:
        return math.copysign(math.inf, number)


@given(ROWS)
def test_events_hold_the_rows(rows: list[Row]) -> None:
    events = [Event.FromString(one) for one in _payloads(b"".join(encoding.records(rows)))]
    assert [(event.step, event.wall_time) for event in events] == [row[:2] for row in rows]
    for event, (_, _, values) in zip(events, rows, strict=True):
        assert [cell.tag for cell in event.summary.value] == list(values)
        shown = [cell.simple_value for cell in event.summary.value]
        np.testing.assert_array_equal(shown, [_single(number) for number in values.values()])


def test_a_name_that_is_no_text_does_not_hurt_the_others() -> None:
    (payload,) = _payloads(b"".join(encoding.records([(3, 1.0, {"a\udc80": 1.0, "b": 2.0})])))
    assert [cell.tag for cell in Event.FromString(payload).summary.value] == ["a?", "b"]


def test_the_file_begins_with_its_version() -> None:
    (payload,) = _payloads(encoding.heading(12.5))
    event = Event.FromString(payload)
    assert (event.wall_time, event.file_version) == (12.5, "brain.Event:2")


@given(st.integers(1, 4), st.integers(1, 700), st.randoms(use_true_random=False))
def test_sums_of_many_rows_are_those_of_each(number: int, length: int, random: object) -> None:
    rows = np.frombuffer(random.randbytes(number * length), dtype=np.uint8)  # type: ignore[attr-defined]
    rows = rows.reshape(number, length)
    expected = [crc32c.mask(crc32c.extend(0, row.tobytes())) for row in rows]
    assert crc32c.masked_crcs(rows).tolist() == expected
