"""A damaged file as pieces: what was kept of the original and where, and what was put in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Kept(NamedTuple):
    """The bytes [start, stop) of the original."""

    start: int
    stop: int


Piece = Kept | bytes


class Place(NamedTuple):
    """Where in the damaged file some bytes of the original are."""

    at: int
    start: int
    stop: int


@dataclass(frozen=True)
class Rope:
    """A file made of pieces of an original and of foreign bytes."""

    original: bytes
    pieces: tuple[Piece, ...]

    @classmethod
    def whole(cls, original: bytes) -> Rope:
        """The original, undamaged."""
        return cls(original, (Kept(0, len(original)),))

    def __len__(self) -> int:
        return sum(map(_length, self.pieces))

    def data(self) -> bytes:
        """The bytes of the damaged file."""
        return b"".join(
            self.original[piece.start : piece.stop] if isinstance(piece, Kept) else piece
            for piece in self.pieces
        )

    def cut(self, start: int, stop: int) -> tuple[Piece, ...]:
        """The pieces of the bytes [start, stop) of the damaged file."""
        return tuple(self._cut(start, stop))

    def _cut(self, start: int, stop: int) -> Iterator[Piece]:
        at = 0
        for piece in self.pieces:
            length = _length(piece)
            first, last = max(start - at, 0), min(stop - at, length)
            if first < last:
                if isinstance(piece, Kept):
                    yield Kept(piece.start + first, piece.start + last)
                else:
                    yield piece[first:last]
            at += length

    def replaced(self, start: int, stop: int, pieces: Iterable[Piece]) -> Rope:
        """The file with other pieces in the place of [start, stop)."""
        rest = self.cut(stop, len(self))
        return Rope(self.original, (*self.cut(0, start), *pieces, *rest))

    def places(self) -> list[Place]:
        """Where the original's bytes are, those that follow one another as one."""
        found: list[Place] = []
        at = 0
        for piece in self.pieces:
            if isinstance(piece, Kept):
                last = found[-1] if found else None
                if last and last.stop == piece.start and last.at + last.stop - last.start == at:
                    found[-1] = Place(last.at, last.start, piece.stop)
                else:
                    found.append(Place(at, *piece))
            at += _length(piece)
        return found


def _length(piece: Piece) -> int:
    return piece.stop - piece.start if isinstance(piece, Kept) else len(piece)
