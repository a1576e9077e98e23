"""How event files are read: in windows, around big payloads, verified, or only the beginning."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.compat.proto import event_pb2, summary_pb2, types_pb2

from gradcheck.errors import UsageError
from gradcheck.readers.byte_source import SeekableFile, opened
from gradcheck.readers.event_file import EventFile, read_events
from tests.readers import event_oracle
from tests.readers.event_writers import (
    accumulated,
    event,
    framed,
    keras_scalar,
    losses,
    scalar,
    tensor,
    torch_writer,
    write_events,
)


class Watched(SeekableFile):
    """Bytes in memory that count how many are read, and may shrink meanwhile."""

    def __init__(self, data: bytes, shrink: tuple[int, int] | None = None) -> None:
        super().__init__(io.BytesIO(data))
        self.read_bytes = 0
        self.longest = 0
        self._shrink = shrink

    def read(self, offset: int, length: int) -> bytes:
        data = super().read(offset, length)
        if self._shrink is not None and self.read_bytes >= self._shrink[0]:
            data = data[: max(self._shrink[1] - offset, 0)]
        self.read_bytes += len(data)
        self.longest = max(self.longest, length)
        return data


def found_in(data: bytes, **options: Any) -> EventFile:
    return read_events(SeekableFile(io.BytesIO(data)), **options)


def values(found: EventFile, tag: str = "loss") -> list[float]:
    return found.columns[tag].value.tolist() if tag in found.columns else []


def image(size: int) -> Any:
    pixels = random.Random(1).randbytes(size)
    return summary_pb2.Summary.Value(tag="picture", image={"encoded_image_string": pixels})


def big_tensor(size: int) -> Any:
    return tensor("embedding", dtype=types_pb2.DT_FLOAT, tensor_content=bytes(size))


@pytest.mark.parametrize("make", [image, big_tensor])
def test_big_payloads_are_not_read(make: Any) -> None:
    records = [
        record
        for n in range(4)
        for record in (event(n, scalar("loss", n), wall=n), event(n, make(300_000), wall=n))
    ]
    source = Watched(b"".join(records))
    found = read_events(source)
    assert values(found) == list(range(4))
    assert (sum(found.skipped.values()), found.lost) == (1, ())
    assert found.columns["loss"].record.tolist() == [0, 2, 4, 6]
    assert source.read_bytes < 200_000


def test_scalars_beside_a_big_payload_are_kept() -> None:
    record = event(7, scalar("a", 1.0), image(1 << 20), keras_scalar("b", 2.0), wall=3.0)
    source = Watched(record)
    found = read_events(source)
    assert event_oracle.points(found) == event_oracle.read(record).points
    assert found.skipped == {"image": 1}
    assert source.read_bytes < 1 << 18


def test_numbers_of_a_big_tensor_are_not_taken_for_a_scalar() -> None:
    several = [
        tensor("a", dtype=types_pb2.DT_FLOAT, float_val=[1.0] * 100_000),
        tensor("b", dtype=types_pb2.DT_INT32, int_val=[1] * 100_000),
        tensor("c", dtype=types_pb2.DT_STRING, string_val=[bytes(100_000)]),
    ]
    record = event(1, *several, scalar("loss", 1.0))
    found = found_in(record)
    assert (list(found.columns), found.skipped) == (["loss"], {"tensor": 3})


def test_memory_is_bounded_by_the_window() -> None:
    source = Watched(b"".join(losses(range(20_000))))
    read_events(source, window=1 << 16)
    assert source.longest <= 1 << 16


def test_long_tags_and_many_tags() -> None:
    long = "x" * (1 << 20)
    records = [event(n, scalar(long, n), wall=n) for n in range(3)]
    records += [event(n % 3, scalar(f"tag-{n}", n), wall=n) for n in range(20_000)]
    records += [event(n, scalar(f"tag-{n}", -n), wall=n) for n in range(20_000)]
    found = found_in(b"".join(records))
    assert values(found, long) == [0, 1, 2]
    assert len(found.columns) == 20_001
    assert all(values(found, f"tag-{n}") == [n, -n] for n in range(20_000))


def test_a_long_damaged_file_of_all_kinds_is_read_as_by_the_oracle() -> None:
    chance = random.Random(2)
    tags = ["loss", "lr", "acc", "train/loss", "val"]
    records = []
    for n in range(6000):
        tag = chance.choice(tags) if n < 3000 else chance.choice([*tags, f"late-{n % 50}"])
        value = chance.choice([scalar, scalar, scalar, keras_scalar])(tag, chance.random())
        wall = 1.7e9 + n if chance.random() > 0.01 else 0.0
        records.append(event(n // 3 - 1, value, wall=wall))
        if n % 700 == 0:
            records.append(event(n, image(40_000), scalar("beside", n), wall=1.7e9 + n))
    starts = np.cumsum([0, *map(len, records)]).tolist()
    data = bytearray(b"".join(records))
    for n in (99, 1500, 1503, 2500):
        data[starts[n] + n % 50 : starts[n] + n % 50 + 40] = bytes(40)
    del data[starts[4000] + 20 : starts[4100] + 7]
    expected = event_oracle.read(bytes(data))
    assert len(expected.lost) == 5
    for window in (1 << 12, 1 << 20):
        found = found_in(bytes(data), window=window)
        np.testing.assert_equal(event_oracle.points(found), expected.points)
        assert found.lost == tuple(expected.lost)


def test_a_record_that_claims_more_than_there_can_be() -> None:
    first, *others = losses([1.0, 2.0, 3.0])
    claim = framed(b"")
    length = (1 << 60).to_bytes(8, "little")
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    claim = length + masked_crc32c(length).to_bytes(4, "little")
    found = found_in(first + claim + b"".join(others))
    assert values(found) == [1.0, 2.0, 3.0]
    assert found.lost == ((len(first), len(first) + len(claim)),)


def test_garbage_in_front_and_files_joined() -> None:
    records = b"".join(losses([1.0, 2.0]))
    noise = random.Random(3).randbytes(5000)
    found = found_in(noise + records + records)
    assert values(found) == [1.0, 2.0, 1.0, 2.0]
    assert found.lost == ((0, 5000),)


def test_records_inside_a_text_are_not_records() -> None:
    inner = b"".join(losses(range(99)))
    text = tensor("note", dtype=types_pb2.DT_STRING, string_val=[inner])
    records = [event(n, scalar("loss", -1.0), text, wall=1.7e9) for n in range(50)]
    assert values(found_in(b"".join(records))) == [-1.0] * 50


def test_a_tag_that_is_no_text_is_kept() -> None:
    payload = event(1, scalar("loss", 2.0))[12:-4].replace(b"loss", b"l\xf6ss")
    (name,) = found_in(framed(payload)).columns
    assert name == "l\\xf6ss"


def test_a_crafted_file_cannot_mix_up_tags() -> None:
    """Whole words differ in their highest bits, which cancel out in a sum of odd multiples."""
    tag = bytearray(b"a" * 64)
    records = []
    for first, second in ((9, 17), (17, 25), (9, 33)):
        other = bytearray(tag)
        for bit in (first, second):
            other[bit] ^= 0x02
        records += [event(n, scalar(bytes(t).decode(), n)) for n in range(9) for t in (tag, other)]
    data = b"".join(records)
    assert event_oracle.points(found_in(data)) == event_oracle.read(data).points


@pytest.mark.parametrize("size", [0, 100, 60_000, 65_537, 299_999])
def test_a_file_that_shrinks_keeps_what_was_read(size: int) -> None:
    data = b"".join(losses(range(10_000)))
    source = Watched(data, shrink=(50_000, size))
    found = read_events(source, window=1 << 15)
    kept = values(found)
    assert kept == list(range(len(kept)))
    assert len(kept) > 500
    assert found.lost[-1][1] == len(data)


def test_only_the_head() -> None:
    source = Watched(b"".join(losses(range(1000))) * 100)
    found = read_events(source, head=1 << 16)
    assert 1 << 15 < source.read_bytes < 1 << 18
    assert values(found)[:1000] == list(range(1000))[: len(values(found))]


def test_the_head_reaches_past_a_big_payload() -> None:
    graph = framed(bytes(event_pb2.Event(graph_def=bytes(1 << 20)).SerializeToString()))
    found = read_events(Watched(graph + b"".join(losses([1.0, 2.0]))), head=1 << 16)
    assert (values(found), found.skipped) == ([1.0, 2.0], {"graph": 1})


def test_verifying_finds_a_flipped_bit() -> None:
    pytest.importorskip("google_crc32c")
    records = losses(range(2000))
    records[700] = records[700].replace(b"loss", b"lost")
    big = bytearray(event(1, image(100_000)))
    big[5000] ^= 1
    data = b"".join(records) + bytes(big) + b"".join(losses([5.0]))
    assert values(found_in(data)) == [n for n in range(2000) if n != 700] + [5.0]
    found = found_in(data, verify=True)
    assert "lost" not in found.columns
    assert values(found) == [n for n in range(2000) if n != 700] + [5.0]
    assert len(found.lost) == 2
    assert sum(stop - start for start, stop in found.lost) == len(records[700]) + len(big)


def test_verifying_without_the_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "google_crc32c", None)
    with pytest.raises(UsageError, match=r"gradcheck\[verify\]"):
        found_in(b"", verify=True)


def test_plain_scalars_need_no_protobuf(tmp_path: Path) -> None:
    writer = torch_writer(tmp_path)
    for n in range(100):
        writer.add_scalar("old", n, n)
        writer.add_scalar("new", n, n, new_style=True)
        writer.add_scalar("double", n, n, new_style=True, double_precision=True)
        writer.add_image("picture", np.zeros((3, 4, 4)), n)
        writer.add_histogram("histogram", np.arange(9.0), n)
        writer.add_text("text", "hello", n)
    writer.close()
    keras = [event(n, keras_scalar("epoch_loss", n), wall=n) for n in range(100)]
    write_events(tmp_path / "events.out.tfevents.9.v2", keras)
    code = (
        "import sys; from pathlib import Path\n"
        "from gradcheck.readers.byte_source import opened\n"
        "from gradcheck.readers.event_file import read_events\n"
        "for path in map(Path, sys.argv[1:]):\n"
        "    with opened(path) as source: assert read_events(source).columns\n"
        "assert not {'tensorboard', 'google', 'torch', 'pandas'} & set(sys.modules)"
    )
    files = [str(path) for path in tmp_path.iterdir()]
    subprocess.run([sys.executable, "-c", code, *files], check=True)


def test_negative_and_huge_steps_as_tensorboard_reads_them(tmp_path: Path) -> None:
    steps = [-1, 0, 127, 128, 2**14, 2**55, 2**56, 2**62, -(2**63), 2**63 - 1]
    records = [event(step, scalar("loss", n), wall=n) for n, step in enumerate(steps * 20)]
    file = write_events(tmp_path / "a.tfevents", records)
    with opened(file) as source:
        column = read_events(source).columns["loss"]
    assert column.step.tolist() == steps * 20 == [p[0] for p in accumulated(file)["loss"]]


def test_a_local_file_that_is_truncated_between_reads(tmp_path: Path) -> None:
    file = tmp_path / "a.tfevents"
    file.write_bytes(b"".join(losses(range(5000))))
    with opened(file) as source:
        os.truncate(file, 10_000)
        found = read_events(source)
    assert values(found) == list(range(len(values(found))))
    assert found.lost == ((10_000, source.size),)
