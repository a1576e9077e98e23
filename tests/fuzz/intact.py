"""The oracle: which records no damage touched, and which of their points did not come out.

What a reader may lose besides the touched bytes is told here, one rule each:

- a table whose header line is damaged or not the first line may call its columns anything, and
  one that begins with a byte order mark of UTF-16, or with NULs, is another file;
- a quote that opens in a damaged line of a table may swallow what follows it;
- a last line of a table without an end counts as cut short;
- a column with less intact rows than damaged ones may be taken for text;
- one intact line of JSON in a damaged file is no log of lines yet;
- lines of a text log that are there twice may be a bar that was drawn again: once is enough;
- a text log may count its steps otherwise once something that counts is put into it, and with
  lines of another log in it, it is two logs of which one is read;
- a text log of few intact records, or less than damaged ones, may be read in another way; what is
  printed over several lines is one record; rows behind damage may have lost their line of names;
- a file of JSON lines or text whose first bytes are damaged may be no log by its looks;
- a log in UTF-16 is read as such: bytes kept behind its mark mean something else;
- a record of W&B that is moved across the end of a block, or to the header of the file, is no
  record there;
- a record inside another whose own header is intact, and which ends where a header is, goes with
  it: payloads are put to their checksums only where a header does not fit.
"""

from __future__ import annotations

import dataclasses
import math
import re
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from gradcheck.model import Run
from gradcheck.readers import crc32c
from gradcheck.readers.wandb_log import FILE_HEADER
from tests.fuzz.rope import Rope
from tests.fuzz.seeds import Point, Record, Seed

_HEAD = 4096
_FEW = 10
_LEAST_LINES = 2
_COUNTS = re.compile(rb"epoch|step|iter|\d/\d|\[\d", re.IGNORECASE)
_BLOCK = 1 << 15
_HEADER = struct.Struct("<QI")
_LENGTH = re.compile(rb"(?=....\0\0\0\0....)", re.DOTALL)
_UTF8, _UTF16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
Key = tuple[str | None, int | None, str]


def demanded(kind: str, seed: Seed, rope: Rope, data: bytes) -> list[Point]:
    """The points that must come out of a damaged file, as often as they are in it."""
    found = list(_intact(kind, seed, rope, data))
    if kind == "csv":
        found = _of_table(seed, rope, data, found)
    elif kind == "json" and len(found) < _LEAST_LINES:
        found = []
    elif kind == "events":
        found = _not_swallowed(data, found)
    elif kind == "text":
        found = _of_text(seed, rope, data, found)
    if data.startswith(_UTF16) and seed.lines:
        found = []
    return [point for _, record in found for point in record.points]


def missing(points: Sequence[Point], runs: Iterable[Run]) -> list[Point]:
    """The points that are not in the runs."""
    series = [one for run in runs for one in run.series]
    lost = []
    for named, stepped in {(p.name is not None, p.step is not None) for p in points}:
        there = Counter(
            _key(Point(one.name, step, value), named, stepped)
            for one in series
            for step, value in zip(one.step.tolist(), one.value.tolist(), strict=True)
        )
        for point in points:
            if (point.name is not None, point.step is not None) == (named, stepped):
                key = _key(point, named, stepped)
                there[key] -= 1
                if there[key] < 0:
                    lost.append(point)
    return lost


def _key(point: Point, named: bool, stepped: bool) -> Key:
    value = "nan" if math.isnan(point.value) else point.value.hex()
    return point.name if named else None, point.step if stepped else None, value


def head_is_touched(rope: Rope) -> bool:
    """Whether a file may look like another one: a reader decides by the first bytes."""
    places = rope.places()
    needed = min(_HEAD, len(rope))
    return not places or places[0].at > 0 or places[0].start > 0 or places[0].stop < needed


def _intact(kind: str, seed: Seed, rope: Rope, data: bytes) -> Iterator[tuple[int, Record]]:
    """The untouched records and where each is in the damaged file, in its order."""
    for place in rope.places():
        for record in seed.records:
            if place.start <= record.start and record.stop <= place.stop:
                at = place.at + record.start - place.start
                stop = at + record.stop - record.start
                if _is_record(kind, seed, data, at, stop):
                    yield at, record


def _is_record(kind: str, seed: Seed, data: bytes, at: int, stop: int) -> bool:
    """Whether a record is one where it now stands."""
    if kind == "wandb":
        return at >= FILE_HEADER and at // _BLOCK == (stop - 1) // _BLOCK
    return not seed.lines or _is_line(kind, data, at, stop)


def _is_line(kind: str, data: bytes, at: int, stop: int) -> bool:
    if kind == "csv":
        begins = at == 0 or data[at - 1] in b"\r\n" or (at == 3 and data.startswith(_UTF8))
        return begins and data[stop : stop + 1] in (b"\r", b"\n")
    begins = at == 0 or data[at - 1] in b"\n" or (at == 3 and data.startswith(_UTF8))
    return begins and (stop == len(data) or data[stop : stop + 2].lstrip(b"\r")[:1] == b"\n")


def _not_swallowed(data: bytes, found: list[tuple[int, Record]]) -> list[tuple[int, Record]]:
    intact = {at for at, _ in found}
    stops = {}
    for match in _LENGTH.finditer(data):
        length, crc = _HEADER.unpack_from(data, match.start())
        if crc32c.length_crc(length) == crc:
            stops[match.start()] = match.start() + length + 16
    swallowed = [(at, stop) for at, stop in stops.items() if at not in intact and stop in stops]
    return [
        (at, record)
        for at, record in found
        if not any(first < at < stop for first, stop in swallowed)
    ]


def _of_text(
    seed: Seed, rope: Rope, data: bytes, found: list[tuple[int, Record]]
) -> list[tuple[int, Record]]:
    if seed.header is not None:
        places = rope.places()
        whole = bool(places) and places[0].at == places[0].start == 0
        found = [one for one in found if whole and one[0] < places[0].stop]
    lines = data.count(b"\n") + data.count(b"\r")
    kept = sum(seed.data.count(b"\n", one.start, one.stop) + 1 for _, one in found)
    if kept <= lines - kept or len(found) < _FEW:
        return []
    found = [*{record.start: (at, record) for at, record in found}.values()]
    foreign = [piece for piece in rope.pieces if isinstance(piece, bytes) and _COUNTS.search(piece)]
    if any(b"\n" in piece for piece in foreign):
        return []
    return list(map(_without_steps, found)) if foreign else found


def _without_steps(place: tuple[int, Record]) -> tuple[int, Record]:
    at, record = place
    points = tuple(point._replace(step=None) for point in record.points)
    return at, dataclasses.replace(record, points=points)


def _of_table(
    seed: Seed, rope: Rope, data: bytes, found: list[tuple[int, Record]]
) -> list[tuple[int, Record]]:
    begins = len(_UTF8) if data.startswith(_UTF8) else 0
    named = found and found[0][0] == begins and (found[0][1].start, found[0][1].stop) == seed.header
    if not named or data.startswith(_UTF16) or b"\0" in data[:_HEAD]:
        return []
    lines = [match.span() for match in re.finditer(rb"[^\r\n]+", data)]
    starts = {at for at, _ in found}
    damaged = [(at, stop) for at, stop in lines if at not in starts]
    quoted = min((at for at, stop in damaged if b'"' in data[at:stop]), default=len(data))
    kept = [(at, record) for at, record in found if begins < at < quoted]
    return kept if len(kept) > len(lines) - len(kept) else []
