"""The bench itself: its sets look healthy and every reader finds all points; no time is judged."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradcheck
from tests.bench import __main__ as bench
from tests.bench import event_bytes, readers, sets
from tests.bench.cache import prepared
from tests.bench.measuring import Cost, Job, Result, interleaved
from tests.bench.points import Digest, digest
from tests.readers import event_writers

SCALE = 0.001
EVENTS = ("a", "b", "c", "d", "tf2")
TABLES = ("csv", "small_csv")
PAIRS = [
    *((name, reader) for name in EVENTS for reader in ("gradcheck reader", "EventAccumulator")),
    *((name, reader) for name in EVENTS for reader in ("tensorboard-data-server", "tbparse")),
    *((name, reader) for name in TABLES for reader in ("gradcheck CSV reader", "pandas.read_csv")),
    *((name, "gradcheck.load") for name in EVENTS + TABLES),
]
INSTALLED = [(name, reader) for name, reader in PAIRS if not readers.READERS[reader].missing()]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pandas to tbparse
@pytest.mark.parametrize(("name", "reader"), INSTALLED)
def test_every_reader_finds_every_point(name: str, reader: str, data: Path) -> None:
    found = prepared(name, SCALE, data)
    said = readers.main(reader, found.path)
    assert found.digest.points > 50
    assert (said["points"], said["checksum"]) == found.digest


@pytest.mark.parametrize(
    "name", sorted(sets.WRITERS.keys() - {"c"})
)  # whose scalars are those of a
def test_every_set_looks_healthy(name: str, data: Path) -> None:
    (*runs,) = gradcheck.analyze(prepared(name, 0.005, data).path).runs
    assert {run.verdict for run in runs} == {"healthy"}


def test_a_set_is_written_once_and_again_when_it_was_damaged(data: Path) -> None:
    found = prepared("a", 0.001, data)
    (file,) = found.path.iterdir()
    before, written = file.read_bytes(), file.stat().st_mtime_ns
    assert prepared("a", 0.001, data) == found and file.stat().st_mtime_ns == written
    file.write_bytes(before[:-1])
    assert prepared("a", 0.001, data) == found and file.read_bytes() == before


@pytest.mark.parametrize("steps", [[0, 1, 127, 128], [16_383, 16_384, 2**21, 2**40]])
@pytest.mark.parametrize("as_tensors", [False, True])
def test_records_are_those_of_the_real_writers(steps: list[int], as_tensors: bool) -> None:
    values = np.linspace(0.5, 2, len(steps))
    points = event_bytes.Events(
        ("loss",), np.zeros(len(steps), np.int64), np.array(steps), values + 1.0, values
    )
    written = keras_scalar if as_tensors else event_writers.scalar
    want = [
        event_writers.event(step, written("loss", value), wall=value + 1)
        for step, value in zip(steps, values.tolist(), strict=True)
    ]
    laid = event_bytes.scalar_records(points, as_tensors=as_tensors)
    assert b"".join(laid) == b"".join(want)


def keras_scalar(tag: str, value: float) -> Any:
    """As TensorFlow writes it: with the empty shape and the class of the data."""
    found = event_writers.keras_scalar(tag, value)
    found.tensor.tensor_shape.SetInParent()
    found.metadata.data_class = 1
    return found


def test_a_digest_depends_on_each_point_and_not_on_their_order() -> None:
    steps, values = np.arange(4), np.array([1.0, 2.0, 3.0, 4.0])
    whole = digest([(steps, values)])
    assert digest([(steps[::-1], values[::-1])]) == whole
    assert digest([(steps[:1], values[:1]), (steps[1:], values[1:])]) == whole
    assert digest([(steps, values[[1, 0, 2, 3]])]) != whole
    assert digest([(steps[:3], values[:3])]) != whole
    assert digest([([*steps, 4], [*values, np.nan])]) == whole


def reader_that_says(points: int) -> tuple[str, ...]:
    said = {"reading": {"cpu": 0.0, "wall": 0.0}, "points": points, "checksum": 7}
    said["checking"] = said["reading"]
    return (sys.executable, "-c", f"print({json.dumps(said)!r})")


def test_a_reader_that_loses_points_or_crashes_does_not_agree() -> None:
    truth = Digest(3, 7)
    crash = (sys.executable, "-c", "raise SystemExit('no such log')")
    whole, part, crashed, tool = interleaved(
        [
            Job("whole", reader_that_says(3), 2, truth),
            Job("part", reader_that_says(2), 1, truth),
            Job("crashed", crash, 2, truth),
            Job("tool with findings", crash, 1),
        ],
        lambda _: None,
    )
    assert whole.agrees and len(whole.costs) == 2 and whole.cpu > 0
    assert not part.agrees and part.points == 2
    assert not crashed.agrees and "no such log" in (crashed.crash or "")
    assert tool.agrees and tool.crash is None


def test_only_the_reading_is_projected_from_a_share() -> None:
    said = {"reading": {"cpu": 2.0, "wall": 4.0}}
    cost = Cost(2.5, 5.0, 10, 5, 0, said)
    result = Result(Job("reader", (), 1, Digest(1, 1), share=0.1), (cost,), None)
    assert (result.cpu, result.wall) == pytest.approx((20.5, 41.0))


def test_the_command_measures_and_writes_json(tmp_path: Path, data: Path) -> None:
    file = tmp_path / "bench.json"
    options = ["--only", "csv", "--rounds", "1", "--scale", f"{SCALE}"]
    assert bench.main([*options, "--data", str(data), "--json", str(file)]) == 0
    (group,) = json.loads(file.read_text(encoding="utf-8"))["groups"]
    by_name = {result["name"]: result for result in group["results"]}
    assert by_name["gradcheck CSV reader"]["points"] == by_name["pandas.read_csv"]["points"] > 0
    assert all(result["cpu"] > 0 for result in group["results"])
