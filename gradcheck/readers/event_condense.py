"""Shortens an event too big to hold to what a scalar could be in, by reading around the rest."""

from __future__ import annotations

from gradcheck.readers.byte_source import ByteSource

_CHUNK = 1 << 12
_LONG = 1 << 12
_LONGEST_RESULT = 1 << 24
_EVENT, _SUMMARY, _VALUE, _TENSOR, _METADATA = range(5)
# Which fields hold messages that may hold scalars or tell what there is instead, by their keys.
_INSIDE = {
    (_EVENT, 0x2A): _SUMMARY,
    (_SUMMARY, 0x0A): _VALUE,
    (_VALUE, 0x42): _TENSOR,
    (_VALUE, 0x4A): _METADATA,
}
# A tag, a plug-in's name and content, a tensor's shape.
_KEPT = frozenset({(_VALUE, 0x0A), (_METADATA, 0x0A), (_TENSOR, 0x12)})
_NO_NUMBERS = frozenset({0x42, 0x72, 0x7A})  # a tensor's strings, resources and variants
_SEVERAL = 64  # bytes
_VARINT, _BYTES, _WIDTHS = 0, 2, {1: 8, 5: 4}


class Damaged(Exception):
    """The bytes are no event, or one whose scalars alone would take too much memory."""


def condense(source: ByteSource, start: int, stop: int, beginning: bytes) -> bytes:
    """An event with the same scalars and tags as the one at [start, stop), its first bytes given.

    Fields that hold something else are there too, but empty.

    Raises:
        Damaged: the bytes are no event.
    """
    return bytes(_Condenser(source, start, beginning).message(start, stop, _EVENT))


class _Condenser:
    def __init__(self, source: ByteSource, start: int, beginning: bytes) -> None:
        self._source = source
        self._base = start
        self._data = beginning

    def message(self, at: int, stop: int, kind: int) -> bytearray:
        """The condensed bytes of a message; the recursion ends with the kinds of `_INSIDE`."""
        result = bytearray()
        while at < stop:
            at = self._field(at, stop, kind, result)
            if len(result) > _LONGEST_RESULT:
                raise Damaged
        return result

    def _field(self, start: int, stop: int, kind: int, result: bytearray) -> int:
        """Add the condensed field at `start` to the result; where the next one begins."""
        key, at = self._varint(start, stop)
        wire = key & 7
        if wire == _BYTES:
            size, content = self._varint(at, stop)
            end = content + size
        elif wire == _VARINT:
            content, end = at, self._varint(at, stop)[1]
        elif wire in _WIDTHS:
            content, end = at, at + _WIDTHS[wire]
        else:
            raise Damaged
        if end > stop:
            raise Damaged
        if end - content <= _LONG:
            result += self._bytes(start, end)
        else:
            shorter = self._shortened(content, end, kind, key)
            result += self._bytes(start, at) + _encoded(len(shorter)) + shorter
        return end

    def _shortened(self, start: int, stop: int, kind: int, key: int) -> bytes:
        if (kind, key) in _INSIDE:
            return bytes(self.message(start, stop, _INSIDE[kind, key]))
        if (kind, key) in _KEPT:
            if stop - start > _LONGEST_RESULT:
                raise Damaged
            return self._bytes(start, stop)
        # Numbers, or raw bytes: too many for a scalar they must remain.
        return bytes(_SEVERAL) if kind == _TENSOR and key not in _NO_NUMBERS else b""

    def _varint(self, at: int, stop: int) -> tuple[int, int]:
        inside = at - self._base
        if 0 <= inside < len(self._data) and at < stop and self._data[inside] < 0x80:
            return self._data[inside], at + 1
        value = 0
        for n, byte in enumerate(self._bytes(at, min(at + 10, stop))):
            value |= (byte & 0x7F) << 7 * n
            if byte < 0x80:
                return value, at + n + 1
        raise Damaged

    def _bytes(self, start: int, stop: int) -> bytes:
        inside = start - self._base
        if not 0 <= inside <= inside + stop - start <= len(self._data):
            self._base, inside = start, 0
            self._data = self._source.read(start, max(_CHUNK, stop - start))
            if len(self._data) < stop - start:
                raise Damaged
        return self._data[inside : inside + stop - start]


def _encoded(value: int) -> bytes:
    result = bytearray()
    while value > 0x7F:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*result, value])
