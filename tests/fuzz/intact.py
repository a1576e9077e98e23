"""The oracle: which records no damage touched, and which of their points did not come out.

What a reader may lose besides the touched bytes is told here, one rule each:

- a table whose header line is damaged or not the first line may call its columns anything, and
  one that begins with a byte order mark of UTF-16, or with NULs, is another file;
- a quote that opens in a damaged line of a table may swallow what follows it;
- a last line of a table without an end counts as cut short;
- a column with less intact rows than damaged ones may be taken for text;
- a file of JSON lines or text whose first bytes are damaged may be no log by its looks;
- a log in UTF-16 is read as such: bytes kept behind its mark mean something else;
- a record of W&B that is moved across the end of a block is no record there.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from gradcheck.model import Run
from tests.fuzz.rope import Rope
from tests.fuzz.seeds import Point, Record, Seed

_HEAD = 4096
_UTF8, _UTF16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
Key = tuple[str | None, int | None, str]


def demanded(kind: str, seed: Seed, rope: Rope, data: bytes) -> list[Point]:
    """The points that must come out of a damaged file, as often as they are in it."""
    found = list(_intact(kind, seed, rope, data))
    if kind == "csv":
        found = _of_table(seed, rope, data, found)
    elif seed.lines and data.startswith(_UTF16):
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


def head_is_touched(seed: Seed, rope: Rope) -> bool:
    """Whether a file may look like another one: a reader decides by the first bytes."""
    places = rope.places()
    needed = min(_HEAD, len(seed.data))
    return not places or places[0].at > 0 or places[0].start > 0 or places[0].stop < needed


def _intact(kind: str, seed: Seed, rope: Rope, data: bytes) -> Iterator[tuple[int, Record]]:
    """The untouched records and where each is in the damaged file, in its order."""
    for place in rope.places():
        for record in seed.records:
            if place.start <= record.start and record.stop <= place.stop:
                at = place.at + record.start - place.start
                stop = at + record.stop - record.start
                if not seed.lines or _is_line(kind, data, at, stop):
                    if not seed.block or at // seed.block == (stop - 1) // seed.block:
                        yield at, record


def _is_line(kind: str, data: bytes, at: int, stop: int) -> bool:
    if kind == "csv":
        begins = at == 0 or data[at - 1] in b"\r\n" or (at == 3 and data.startswith(_UTF8))
        return begins and data[stop : stop + 1] in (b"\r", b"\n")
    begins = at == 0 or data[at - 1] == 10 or (at == 3 and data.startswith(_UTF8))
    return begins and (stop == len(data) or data[stop : stop + 2].lstrip(b"\r")[:1] == b"\n")


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
    kept = [(at, record) for at, record in found if at < quoted]
    return kept if len(kept) > len(lines) - len(kept) else []
