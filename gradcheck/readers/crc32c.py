"""Computes the checksums of TFRecord files: CRC-32C, masked, as TensorFlow writes them."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from gradcheck.errors import UsageError

UInt32Array = npt.NDArray[np.uint32]
Extend = Callable[[int, bytes], int]
"""Takes the CRC of what came before, and more bytes."""

_POLYNOMIAL = 0x82F63B78
_ALL = 0xFFFFFFFF
_MASK_DELTA = 0xA282EAD8
_BLOCK = 256
"""Bytes of a row whose contributions are looked up at once."""


def mask(crc: int) -> int:
    """The form in which a CRC is stored, which keeps a CRC of stored CRCs from degenerating."""
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & _ALL


def extend(crc: int, data: bytes) -> int:
    """The CRC of what had `crc` followed by `data`; 0 is the CRC of nothing."""
    table = _TABLE_LIST
    crc ^= _ALL
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ _ALL


def record(payload: bytes) -> bytes:
    """A payload as one record of such a file: its length and both checksums around it."""
    length = len(payload).to_bytes(8, "little")
    heading = length + length_crc(len(payload)).to_bytes(4, "little")
    return heading + payload + mask(extend(0, payload)).to_bytes(4, "little")


def library_extend() -> Extend:
    """The same as `extend`, a thousand times faster.

    Raises:
        UsageError: google-crc32c is not installed.
    """
    try:
        import google_crc32c  # noqa: PLC0415 - optional
    except ImportError:
        raise UsageError(
            "verifying checksums needs google-crc32c: pip install 'gradcheck[verify]'"
        ) from None
    found: Extend = google_crc32c.extend
    return found


@functools.lru_cache(maxsize=4096)
def length_crc(length: int) -> int:
    """The masked CRC of a record's length, 64 bits wide."""
    return mask(extend(0, length.to_bytes(8, "little")))


def length_crcs(lengths: UInt32Array) -> UInt32Array:
    """The masked CRCs of records' lengths below 2^32, as stored in 64 bits."""
    first, second, third, fourth = _LENGTH_TABLES
    # A CRC is linear: what each byte contributes does not depend on the others.
    crcs = first[lengths & 0xFF] ^ second[(lengths >> 8) & 0xFF]
    crcs ^= third[(lengths >> 16) & 0xFF] ^ fourth[lengths >> 24]
    masked: UInt32Array = ((crcs >> 15) | (crcs << 17)) + np.uint32(_MASK_DELTA)
    return masked


def masked_crcs(rows: npt.NDArray[np.uint8]) -> UInt32Array:
    """The masked CRCs of the rows of a matrix, all computed at once."""
    crcs: UInt32Array = np.full(len(rows), _ALL, dtype=np.uint32)
    for start in range(0, rows.shape[1], _BLOCK):
        block = rows[:, start : start + _BLOCK]
        tables = _block_tables()[-block.shape[1] :]
        shared = min(4, block.shape[1])
        first = block[:, :shared] ^ crcs.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :shared]
        rest = crcs >> np.uint32(8 * shared) if shared < 4 else np.zeros_like(crcs)
        places = np.arange(block.shape[1])
        parts = [tables[places[:shared], first], tables[places[shared:], block[:, shared:]]]
        crcs = rest ^ np.bitwise_xor.reduce(np.concatenate(parts, axis=1), axis=1)
    crcs ^= np.uint32(_ALL)
    masked: UInt32Array = ((crcs >> np.uint32(15)) | (crcs << np.uint32(17))) + np.uint32(
        _MASK_DELTA
    )
    return masked


@functools.cache
def _block_tables() -> UInt32Array:
    """(place, byte): what a byte adds to the CRC of a block that ends with the last place."""
    tables = [_TABLE]
    while len(tables) < _BLOCK:
        tables.append(_TABLE[tables[-1] & 0xFF] ^ (tables[-1] >> 8))
    return np.stack(tables[::-1])


def _table() -> UInt32Array:
    crcs: UInt32Array = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        crcs = np.where(crcs & 1, (crcs >> 1) ^ np.uint32(_POLYNOMIAL), crcs >> 1)
    return crcs


def _length_tables(table: UInt32Array) -> list[UInt32Array]:
    """What the lowest four of eight bytes contribute; the first also the CRC of eight zeros."""
    tables: list[UInt32Array] = []
    contribution = table
    for following in range(1, 8):
        contribution = table[contribution & 0xFF] ^ (contribution >> 8)
        if following >= 4:
            tables.insert(0, contribution)
    tables[0] = tables[0] ^ np.uint32(extend(0, bytes(8)))
    return tables


_TABLE = _table()
_TABLE_LIST: list[int] = _TABLE.tolist()
_LENGTH_TABLES = _length_tables(_TABLE)
