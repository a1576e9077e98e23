"""W&B's run logs, written by hand: a row a record, in the old and in the new spelling."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.seeds import Point, Record, Seed
from tests.readers.test_wandb_log import framed
from tests.readers.test_wandb_offline import item, message, row, varint

_BLOCK = 1 << 15


def seeds() -> Iterator[Seed]:
    """Logs within one block, and one that takes several."""
    for number, (rows, nested) in enumerate(((30, False), (50, True), (420, False))):
        yield _seed(rows, nested, Random(number))


def _seed(rows: int, nested: bool, random: Random) -> Seed:
    payloads, told = [], []
    for step in range(rows):
        values = {"loss": random.uniform(0.1, 9.0), "lr": random.uniform(0.1, 9.0)}
        payloads.append(_row(step, values, nested))
        told.append(tuple(Point(name, step, value) for name, value in values.items()))
    data, spans = framed(payloads)
    records = [
        Record(start, stop, points)
        for (start, stop), points in zip(spans, told, strict=True)
        if start // _BLOCK == (stop - 1) // _BLOCK  # it is one chunk
    ]
    return Seed("run-abc.wandb", data, tuple(records))


def _row(step: int, values: dict[str, float], nested: bool) -> bytes:
    if not nested:
        return row(step, **{name: repr(value) for name, value in values.items()})
    items = [item(repr(value), nested=(name,)) for name, value in values.items()]
    return message(
        2, *items, item(str(step), nested=("_step",)), message(2, b"\x08" + varint(step))
    )
