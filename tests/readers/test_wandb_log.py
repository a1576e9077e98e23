"""The framing of `.wandb` files: any records come back, and damage costs only what it touches."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck.readers.wandb_log import FILE_HEADER, Record, read_records

HEADER = b":W&B" + struct.pack("<HB", 0xBEE1, 0)
BLOCK = 32768


def framed(payloads: Iterable[bytes]) -> tuple[bytes, list[tuple[int, int]]]:
    """A log of these records, and the bytes that each of them takes."""
    data = bytearray(HEADER)
    spans = []
    for payload in payloads:
        if BLOCK - len(data) % BLOCK < 7:
            data += bytes(-len(data) % BLOCK)
        start, at, first = len(data), 0, True
        while True:
            if BLOCK - len(data) % BLOCK < 7:
                data += bytes(-len(data) % BLOCK)
            part = payload[at : at + BLOCK - len(data) % BLOCK - 7]
            last = at + len(part) == len(payload)
            kind = bytes(
                [{(True, True): 1, (True, False): 2, (False, True): 4}.get((first, last), 3)]
            )
            data += struct.pack("<IH", zlib.crc32(kind + part), len(part)) + kind + part
            at, first = at + len(part), False
            if last:
                break
        spans.append((start, len(data)))
    return bytes(data), spans


def read(data: bytes) -> list[Record]:
    return list(read_records(io.BytesIO(data)))


def kept(data: bytes) -> list[bytes]:
    return [record.payload for record in read(data) if record.payload is not None]


def lost(data: bytes) -> list[tuple[int, int]]:
    return [(record.start, record.stop) for record in read(data) if record.payload is None]


@dataclass(frozen=True)
class Recipe:
    """A record too long to be shown when a test fails: its size, and what it repeats."""

    size: int
    seed: bytes

    def record(self) -> bytes:
        return (self.seed * (self.size // len(self.seed) + 1))[: self.size]


# Sizes around those at which a record meets the end of a block.
sizes = st.one_of(st.integers(0, 300), st.integers(BLOCK - 40, BLOCK + 40), st.just(2 * BLOCK))
recipes = st.lists(st.builds(Recipe, sizes, st.binary(min_size=1, max_size=9)), max_size=5)


def baked(recipes: list[Recipe]) -> list[bytes]:
    return [recipe.record() for recipe in recipes]


def touched(spans: list[tuple[int, int]], first: int, last: int) -> list[bool]:
    return [start < last and first < stop for start, stop in spans]


@settings(deadline=None)
@given(recipes)
def test_all_records_come_back(made: list[Recipe]) -> None:
    records = baked(made)
    data, spans = framed(records)
    assert read(data) == [
        Record(*span, payload) for span, payload in zip(spans, records, strict=True)
    ]


@settings(deadline=None)
@given(recipes, st.data())
def test_a_file_cut_short_loses_what_was_cut_and_no_more(
    made: list[Recipe], draw: st.DataObject
) -> None:
    records = baked(made)
    data, spans = framed(records)
    end = draw.draw(st.integers(0, len(data)))
    whole = [payload for payload, span in zip(records, spans, strict=True) if span[1] <= end]
    assert kept(data[:end]) == whole
    assert lost(data[:end]) == [] or end < 4


@settings(deadline=None)
@given(recipes.filter(bool), st.data())
def test_a_changed_byte_costs_its_record(made: list[Recipe], draw: st.DataObject) -> None:
    records = baked(made)
    data, spans = framed(records)
    at = draw.draw(st.integers(0, len(data) - 1))
    changed = bytearray(data)
    changed[at] ^= draw.draw(st.integers(1, 255))
    hit = touched(spans, at, at + 1)
    assert kept(bytes(changed)) == [p for p, h in zip(records, hit, strict=True) if not h]
    if any(hit[:-1]):
        ((first, last),) = lost(bytes(changed))
        start, stop = spans[hit.index(True)]
        assert first == start
        assert stop <= last < stop + 7  # with the padding of the block


@settings(deadline=None)
@given(recipes.filter(bool), st.data())
def test_a_hole_costs_the_records_it_touches(made: list[Recipe], draw: st.DataObject) -> None:
    records = baked(made)
    data, spans = framed(records)
    first = draw.draw(st.integers(FILE_HEADER, len(data)))
    last = draw.draw(st.integers(first, len(data)))
    holed = data[:first] + bytes(last - first) + data[last:]
    hit = touched(spans, first, last)
    changed = [holed[slice(*span)] != data[slice(*span)] for span in spans]
    assert kept(holed) == [p for p, c in zip(records, changed, strict=True) if not c]
    assert all(h for h, c in zip(hit, changed, strict=True) if c)


def test_what_was_lost_is_told_as_one_range() -> None:
    data, spans = framed([b"a" * 100, b"b" * 50_000, b"c" * 100, b"d"])
    changed = bytearray(data)
    changed[spans[1][0] + 20] ^= 1
    changed[spans[2][0] + 20] ^= 1
    assert kept(bytes(changed)) == [b"a" * 100, b"d"]
    assert lost(bytes(changed)) == [(spans[1][0], spans[2][1])]


def test_zeros_behind_the_last_record_are_told() -> None:
    data, _ = framed([b"a"])
    assert kept(data + bytes(100_000)) == [b"a"]
    assert lost(data + bytes(100_000)) == [(len(data), len(data) + 100_000)]


@pytest.mark.parametrize("data", [b"", b":W", HEADER], ids=["empty", "cut", "header"])
def test_no_records_yet(data: bytes) -> None:
    assert kept(data) == []


def test_bytes_that_all_look_like_headers_do_not_hold_up_the_reader() -> None:
    data = (HEADER + b"\x40\x01" * (4 * BLOCK))[: 8 * BLOCK]
    assert kept(data) == []
    assert lost(data) == [(FILE_HEADER, len(data))]
