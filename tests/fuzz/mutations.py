"""Ways to damage a file: what disks, crashes, editors and strangers do to logs."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from random import Random

from tests.fuzz.rope import Piece, Rope

Mutation = Callable[[Rope, Random, bytes], Rope]
"""Damages a file; the bytes are another file of the same format."""

_HUGE = (
    b"1e308", b"1e999", b"-1e400", b"9" * 25, b"-" + b"9" * 400, b"9" * 5000, b"0." + b"0" * 400,
    b"18446744073709551616", b"9223372036854775807", b"-9223372036854775808", b"NaN", b"-Infinity",
    b"1_000", b"0x1p3", "１２".encode(), "١٢".encode(), b"1e", b"1.2.3", b"+-1", b"1e-999",
)  # fmt: skip
_MARKS = (
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0", b"\x1b[31m", b"\x1b]0;", b"\r", b"\r\n",
    b"\n\n", b"\x85", b"\xe2\x80\xa8", b"\x0c", b"\xff", b"\xc3\x28", b"\xed\xa0\x80",
    b"\xf5\x80\x80\x80", b"\\ud800", b"\x1e", b"\x08", b"\x1a", b"\t", b",", b";", b'"', b"'",
    b"{", b"}", b"[", b"]", b":", b"=", b"|", b"%", b"#", b"#{", b"/", b"\\", b"tensor(", b"null",
)  # fmt: skip
_DEEP = (b"[", b'{"a":', b"(", b"{", b'{"a":[', b"[[")


def _at(rope: Rope, random: Random) -> int:
    return random.randint(0, len(rope))


def _span(rope: Rope, random: Random, longest: int = 4096) -> tuple[int, int]:
    """A stretch of the file, short more often than long."""
    start = random.randint(0, max(len(rope) - 1, 0))
    length = int(2 ** random.uniform(0, max(min(len(rope), longest), 1).bit_length()))
    return start, min(start + length, len(rope))


def flip_bits(rope: Rope, random: Random, _other: bytes) -> Rope:
    """Flip one to eight bits, each anywhere."""
    for _ in range(random.choice((1, 1, 1, 2, 8))):
        if len(rope):
            at = random.randrange(len(rope))
            byte = Rope(rope.original, rope.cut(at, at + 1)).data()[0]
            rope = rope.replaced(at, at + 1, [bytes([byte ^ 1 << random.randrange(8)])])
    return rope


def overwrite(rope: Rope, random: Random, _other: bytes) -> Rope:
    """Put random bytes in the place of some."""
    start, stop = _span(rope, random, 256)
    return rope.replaced(start, stop, [random.randbytes(stop - start)])


def zero(rope: Rope, random: Random, _other: bytes) -> Rope:
    """Put zeros in the place of some bytes, as a machine that lost power leaves them."""
    start, stop = _span(rope, random)
    return rope.replaced(start, stop, [bytes(stop - start)])


def delete(rope: Rope, random: Random, _other: bytes) -> Rope:
    """Take some bytes out."""
    return rope.replaced(*_span(rope, random), [])


def insert(rope: Rope, random: Random, _other: bytes) -> Rope:
    """Put random bytes between others."""
    at = _at(rope, random)
    return rope.replaced(at, at, [random.randbytes(random.choice((1, 2, 7, 64, 3000)))])


def duplicate(rope: Rope, random: Random, _other: bytes) -> Rope:
    """Write a stretch again, there or elsewhere."""
    start, stop = _span(rope, random)
    at = random.choice((stop, _at(rope, random)))
    return rope.replaced(at, at, rope.cut(start, stop) * random.choice((1, 1, 3)))


def truncate(rope: Rope, random: Random, _other: bytes) -> Rope:
    """Cut the end off."""
    return Rope(rope.original, rope.cut(0, _at(rope, random)))


def behead(rope: Rope, random: Random, _other: bytes) -> Rope:
    """Cut the beginning off."""
    return Rope(rope.original, rope.cut(_at(rope, random), len(rope)))


def splice(rope: Rope, random: Random, other: bytes) -> Rope:
    """Put a stretch of another file in: between bytes, or behind the last."""
    start = random.randint(0, len(other))
    foreign = other[start : start + random.choice((16, 200, 5000))]
    at = random.choice((len(rope), _at(rope, random)))
    return rope.replaced(at, at, [foreign])


def swap_blocks(rope: Rope, random: Random, _other: bytes) -> Rope:
    """Exchange two stretches."""
    a, b, c, d = sorted(_at(rope, random) for _ in range(4))
    pieces = (*rope.cut(0, a), *rope.cut(c, d), *rope.cut(b, c), *rope.cut(a, b))
    return Rope(rope.original, (*pieces, *rope.cut(d, len(rope))))


def shuffle_lines(rope: Rope, random: Random, _other: bytes) -> Rope:
    """Exchange some neighbouring lines, as processes that write to one file do."""
    starts = _line_starts(rope)
    first = random.randrange(len(starts))
    block = starts[first : first + random.randint(2, 8)]
    lines = [rope.cut(*span) for span in itertools.pairwise(block)]
    if not lines:
        return rope
    random.shuffle(lines)
    return rope.replaced(block[0], block[-1], [piece for line in lines for piece in line])


def huge_number(rope: Rope, random: Random, _other: bytes) -> Rope:
    """Put a number that fits nowhere in the place of some bytes."""
    start = _at(rope, random)
    stop = min(start + random.choice((0, 1, 6)), len(rope))
    return rope.replaced(start, stop, [random.choice(_HUGE)])


def huge_length(rope: Rope, random: Random, _other: bytes) -> Rope:
    """Overwrite eight bytes with a length, as that of a record or a field might be."""
    length = random.choice((0, 1, 2**15, 2**31, 2**32 + 5, 2**60, 2**63, 2**64 - 1, len(rope)))
    at = _at(rope, random)
    raw = random.choice((struct.pack("<Q", length), struct.pack("<I", length % 2**32), b"\xff" * 9))
    return rope.replaced(at, min(at + len(raw), len(rope)), [raw])


def mark(rope: Rope, random: Random, _other: bytes) -> Rope:
    """Put a byte order mark, a control character, a delimiter, … anywhere or at the beginning."""
    at = random.choice((0, _at(rope, random), _at(rope, random)))
    return rope.replaced(at, at, [random.choice(_MARKS) * random.choice((1, 1, 1, 50))])


def nest(rope: Rope, random: Random, _other: bytes) -> Rope:
    """Open thousands of brackets."""
    at = _at(rope, random)
    return rope.replaced(at, at, [random.choice(_DEEP) * random.choice((5, 500, 20_000))])


def long_line(rope: Rope, random: Random, _other: bytes) -> Rope:
    """Put a long stretch without a line break in."""
    at = _at(rope, random)
    text = random.choice((b"x", b"1", b" ", b"-", b"loss 1 ", b'"a":1,', b"1,", b"\t", b"=1.5 "))
    return rope.replaced(at, at, [text * (random.choice((3000, 40_000, 200_000)) // len(text))])


def line_ends(rope: Rope, random: Random, _other: bytes) -> Rope:
    """End all, or half of the lines in another way."""
    end = random.choice((b"\r\n", b"\r\n", b"\n\n", b"\r", b"\n\r"))
    every = random.random() < 0.5
    pieces: list[Piece] = []
    starts = _line_starts(rope)
    for start, stop in zip(starts, [*starts[1:], len(rope)], strict=True):
        line = rope.cut(start, stop)
        ends = stop > start and Rope(rope.original, line).data().endswith(b"\n")
        if ends and (every or random.random() < 0.5):
            line = (*rope.cut(start, stop - 1), end)
        pieces.extend(line)
    return Rope(rope.original, tuple(pieces))


def recode(rope: Rope, random: Random, _other: bytes) -> Rope:
    """Write the text in another encoding: nothing is left of the original's bytes."""
    text = rope.data().decode("utf-8", errors="replace")
    encoding = random.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1"))
    return Rope(rope.original, (text.encode(encoding, errors="replace"),))


def nothing(rope: Rope, _random: Random, _other: bytes) -> Rope:
    """Leave the file as it is."""
    return rope


def _line_starts(rope: Rope) -> list[int]:
    data = rope.data()
    return [0, *(n + 1 for n, byte in enumerate(data[:-1]) if byte == 10)]


_ANY: tuple[Mutation, ...] = (
    flip_bits, flip_bits, overwrite, zero, delete, insert, duplicate, truncate, behead, splice,
    swap_blocks, huge_length, mark, nothing,
)  # fmt: skip
_OF_TEXT: tuple[Mutation, ...] = (
    shuffle_lines, huge_number, huge_number, mark, nest, long_line, line_ends, recode,
)  # fmt: skip


def damage(seed: bytes, other: bytes, random: Random, *, text: bool) -> tuple[Rope, list[str]]:
    """A file damaged in one to four ways, and their names."""
    rope, names = Rope.whole(seed), []
    known = _ANY + _OF_TEXT if text else _ANY
    for _ in range(random.choice((1, 1, 1, 2, 2, 4))):
        mutation = random.choice(known)
        rope = mutation(rope, random, other)
        names.append(mutation.__name__)
    return rope, names
