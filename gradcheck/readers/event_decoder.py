"""Decodes the events in batches of records: most of them at once, the odd ones each."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gradcheck.model import IntArray
from gradcheck.readers import event_library, event_singles, event_wire
from gradcheck.readers.event_batch import Batch, Silent
from gradcheck.readers.event_columns import Columns
from gradcheck.readers.event_shapes import Found, Place, Shapes
from gradcheck.readers.record_headers import FOOTER, HEADER

_SAMPLE = 16


class Decoder:
    """What the events of one file hold."""

    def __init__(self) -> None:
        self.columns = Columns()
        self.others: dict[bytes, str] = {}
        """What each tag holds that is no scalar."""
        self.hparams: dict[str, object] = {}
        self._shapes = Shapes()

    def decode(self, data: bytes, heads: IntArray, end: int, silent: Silent) -> list[int]:
        """Decode the records that begin at `heads` and fill `data` up to `end` without a gap.

        Between them lie the `silent` ones, which are only counted. Return the index of those that
        are no events.
        """
        batch = Batch(data, heads + HEADER, np.append(heads[1:], end) - FOOTER)
        usual, unusual = batch.read_beginnings()
        rest = self._recognise(batch, usual)
        self._decode_each(batch, [*unusual.tolist(), *rest.tolist()])
        self.columns.add(*batch.result(self.columns.records, silent))
        return batch.damaged

    def _recognise(self, batch: Batch, index: IntArray) -> IntArray:
        """Read all events that are like one of a few decoded ones; the index of the rest."""
        rest = self._match(batch, index)
        if len(rest):
            rest = self._pass_over(batch, rest)
        sample = 2
        while len(rest):
            before = len(rest)
            chosen = np.zeros(before, dtype=bool)
            chosen[:: -(-before // sample)] = True
            learnt = self._decode_each(batch, rest[chosen].tolist())
            rest = rest[~chosen]
            if learnt and len(rest):
                rest = self._match(batch, rest)
            if not learnt or (sample == _SAMPLE and len(rest) > before // 2):
                break
            sample = min(2 * sample, _SAMPLE)
        return self._read_numbers(batch, rest) if len(rest) else rest

    def _pass_over(self, batch: Batch, index: IntArray) -> IntArray:
        """Note what plain images and the like are called; the index of all else."""
        singles = event_singles.find(batch, index)
        for tag in set(singles.tags(~singles.is_number, batch.data)):
            self.others.setdefault(tag[:-1], event_wire.kind(tag[-1]))
        return np.concatenate([singles.index[singles.is_number], singles.rest])

    def _read_numbers(self, batch: Batch, index: IntArray) -> IntArray:
        """Read plain numbers, each with a tag of its own maybe; the index of all else."""
        singles = event_singles.find(batch, index)
        found = singles.index[singles.is_number]
        tags = singles.tags(singles.is_number, batch.data)
        slots = np.array([self.columns.slot(tag[:-1]) for tag in tags], dtype=np.int32)
        places = singles.tag_stop[singles.is_number] + 1
        batch.add(Found(found, slots, batch.source.numbers(places, "f")))
        return singles.rest

    def _match(self, batch: Batch, index: IntArray) -> IntArray:
        matched, rest = self._shapes.match(batch.source, batch.tails, batch.lengths, index)
        for numbers in matched:
            batch.add(*numbers)
        return rest

    def _decode_each(self, batch: Batch, index: Iterable[int]) -> bool:
        """Decode events one by one; whether that taught a new pattern."""
        learnt = [self._decode_one(batch, one) for one in index]
        return any(learnt)

    def _decode_one(self, batch: Batch, index: int) -> bool:
        start, stop = int(batch.starts[index]), int(batch.stops[index])
        event = _event(batch.data, start, stop)
        hparams = None if event is None else _hparams(event)
        if event is None or hparams is None:
            batch.damaged.append(index)
            return False
        self.hparams.update(hparams)
        for other in event.others:
            if other.hparams is None:
                self.others.setdefault(other.tag, other.kind)
        if event.graph:
            self.others[b"graph"] = "graph"
        slots = [self.columns.slot(number.tag) for number in event.numbers]
        batch.walls[index], batch.steps[index] = event.wall, event.step
        batch.add_one(index, slots, [number.value for number in event.numbers])
        if event.tail is None or not all(number.code for number in event.numbers):
            return False
        places = tuple(Place(number.at - event.tail, number.code) for number in event.numbers)
        return self._shapes.learn(batch.data[event.tail : stop], places, slots)


def _event(data: bytes, start: int, stop: int) -> event_wire.Event | None:
    try:
        return event_wire.decode(data, start, stop)
    except event_wire.Unusual:
        return event_library.decode(data[start:stop])


def _hparams(event: event_wire.Event) -> dict[str, object] | None:
    """All hyperparameters of an event, None if any of them are damaged."""
    found: dict[str, object] = {}
    for other in event.others:
        if other.hparams is not None:
            more = event_library.hparams(other.hparams)
            if more is None:
                return None
            found.update(more)
    return found
