"""W&B's own files: every point that a script logged, and what older and broken files hold."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcheck import loading
from gradcheck.errors import NotALog
from gradcheck.model import Role, Run, Series
from gradcheck.readers import wandb_records
from gradcheck.readers.base import Candidate, Source
from gradcheck.readers.wandb_offline import READER
from tests.readers.store_writers import Written
from tests.readers.test_wandb_log import framed


def written(store: Written, run: str) -> Path:
    (found,) = (store.path / "wandb").glob(f"offline-run-*/run-{run}.wandb")
    return found


def read(file: Path) -> Run:
    (source,) = READER.group([file], file.parent)
    return READER.read(source)


def series(run: Run) -> dict[str, Series]:
    return {one.name: one for one in run.series}


def points(run: Run) -> dict[str, list[tuple[int, float]]]:
    return {
        one.name: list(zip(one.step.tolist(), one.value.tolist(), strict=True))
        for one in run.series
        if one.name != "_runtime"
    }


def as_told(store: Written, run: str) -> dict[str, list[tuple[int, float]]]:
    told = store.told["logged"][run]
    return {name: [(step, value) for step, value in of] for name, of in told.items()}


# A few fields of protobuf, written by hand: wandb cannot be made to write what it once wrote.
def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def message(number: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return varint(number << 3 | 2) + varint(len(body)) + body


def item(value_json: str, *, key: str = "", nested: tuple[str, ...] = ()) -> bytes:
    named = [message(1, key.encode())] if key else [message(2, name.encode()) for name in nested]
    return message(1, *named, message(16, value_json.encode()))


def row(step: int, **values: str) -> bytes:
    """A record of history with JSON texts, in the form of wandb before 0.18."""
    items = [item(text, key=name) for name, text in values.items()]
    return message(2, *items, item(str(step), key="_step"), message(2, b"\x08" + varint(step)))


def write(directory: Path, *records: bytes) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "run-abc.wandb"
    file.write_bytes(framed(records)[0])
    return file


def test_every_point_of_a_run(wandb_store: Written) -> None:
    file = written(wandb_store, "full")
    run = read(file)
    np.testing.assert_equal(points(run), as_told(wandb_store, "full"))
    assert run.path == file.parent
    assert run.format == "wandb"
    assert run.hparams == {
        "lr": 0.1,
        "opt.name": "adam",
        "opt.betas": [0.9, 0.99],
        "seed": None,
        "late": True,
    }
    loss = series(run)["train/loss"]
    assert loss.wall is not None
    assert (np.diff(loss.wall) >= 0).all()
    assert abs(loss.wall[-1] - file.stat().st_mtime) < 600
    assert (np.diff(loss.order) > 0).all()


def test_one_row_is_one_place_in_the_order(wandb_store: Written) -> None:
    found = series(read(written(wandb_store, "full")))
    assert found["train/loss"].order.tolist() == found["grads.norm"].order.tolist()
    assert set(found["val/loss"].order.tolist()).isdisjoint(found["train/loss"].order.tolist())


def test_what_is_said_of_a_run(wandb_store: Written) -> None:
    assert read(written(wandb_store, "full")).notes == (
        "only numbers are read: 2 histograms passed over",
        "no histogram of gradients/w after step 195, while the log goes on to step 296:"
        " W&B leaves out a tensor that has no finite value",
        "the script ended with exit code 3",
    )


def test_a_killed_run_keeps_what_reached_the_disk(wandb_store: Written) -> None:
    run = read(written(wandb_store, "killed"))
    told = as_told(wandb_store, "killed")["loss"]
    found = points(run)["loss"]
    assert found == told[: len(found)]
    assert len(told) / 2 < len(found) < len(told)
    assert run.notes == ("the log has no end: the run was killed or still goes on",)


@pytest.mark.parametrize("named", [".", "wandb", "wandb/off*", "wandb/*/*.wandb"])
def test_each_run_is_found_once_and_by_its_own_name(wandb_store: Written, named: str) -> None:
    paths = [wandb_store.path] if named == "." else sorted(wandb_store.path.glob(named))
    loaded = loading.collect(paths)
    names = [run.path.name.removesuffix(".wandb").rpartition("-")[2] for run in loaded.runs]
    assert sorted(names) == ["full", "killed"]
    assert {run.framework for run in loaded.runs} == {"wandb"}
    assert {run.primary[Role.LOSS] for run in loaded.runs} == {"loss", "train/loss"}


def test_latest_run_does_not_hide_the_name_of_a_run(wandb_store: Written) -> None:
    (link,) = (wandb_store.path / "wandb").glob("latest-run")
    assert link.is_symlink()
    found = loading.collect([wandb_store.path / "wandb"]).runs
    assert all(run.path.name.startswith("offline-run-") for run in found)
    (named,) = loading.collect([link]).runs
    assert named.path == link


def test_wandb_itself_is_not_needed(wandb_store: Written) -> None:
    program = (
        "import sys; sys.modules['wandb'] = None\n"
        "from gradcheck.loading import load\n"
        f"print(len(load({str(written(wandb_store, 'full').parent)!r})))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "1\n"


TYPES = {"double": 1, "int64": 3, "int32": 5, "bool": 8, "string": 9, "sint64": 18, "message": 11}


def test_the_fields_are_those_of_wandb(wandb_store: Written) -> None:
    theirs = wandb_store.told["fields"]
    for name, fields in wandb_records.FIELDS.items():
        for field, number, declared in fields:
            repeated = declared in ("strings", "Items")
            kind = declared.removesuffix("s") if repeated else declared
            expected = [number, TYPES.get(kind, TYPES["message"]), repeated]
            if field == "none":
                expected[1] = 14  # an enum, which is written like an int32
            assert theirs[name][field] == expected, (name, field)
    shared = {"key", "nested_key", "value_json"}
    assert {k: theirs["ConfigItem"][k] for k in shared} == {k: theirs["Item"][k] for k in shared}


def test_older_forms_of_a_row(tmp_path: Path) -> None:
    rows = [
        row(n, loss=text, sub='{"a": 1, "b": {"c": [1, 2], "d": 2.5}}', on="true", gone="null")
        for n, text in enumerate(['"NaN"', "NaN", '"Infinity"', "-Infinity", "0.5", "1e400", "7"])
    ]
    found = points(read(write(tmp_path, *rows)))
    inf, nan = math.inf, math.nan
    np.testing.assert_equal([v for _, v in found["loss"]], [nan, nan, inf, -inf, 0.5, inf, 7])
    assert set(found) == {"loss", "sub.a", "sub.b.d", "on"}
    assert found["sub.b.d"] == [(n, 2.5) for n in range(7)]


def test_typed_values_of_newer_rows(tmp_path: Path) -> None:
    def typed(name: str, wire: bytes) -> bytes:
        return message(1, message(1, name.encode()), wire)

    def newer(n: int) -> bytes:
        return message(
            2,
            typed("loss", b"\x31" + np.float64(n / 4).tobytes()),
            typed("count", b"\x28" + varint((n << 1) ^ 0)),
            typed("on", b"\x20\x01"),
            typed("gone", b"\x18\x00"),
            typed("note", message(7, b"text")),
            typed("sub", message(8, b'{"a": NaN}')),
            message(2, b"\x08" + varint(10 * n)),
        )

    found = points(read(write(tmp_path, *(newer(n) for n in range(1, 4)))))
    assert found["loss"] == [(10, 0.25), (20, 0.5), (30, 0.75)]
    assert found["count"] == [(10, 1.0), (20, 2.0), (30, 3.0)]
    assert found["on"] == [(10, 1.0), (20, 1.0), (30, 1.0)]
    assert set(found) == {"loss", "count", "on", "sub.a"}


@pytest.mark.parametrize(
    "broken",
    ["", "{", "[" * 100_000, '{"a":' * 100_000, "1" * 10_000, '"\\ud800"', "nul"],
    ids=lambda text: text[:6],
)
def test_a_broken_value_costs_itself_only(tmp_path: Path, broken: str) -> None:
    file = write(tmp_path, *(row(n, loss="0.5", other=broken) for n in range(3)))
    assert points(read(file))["loss"] == [(0, 0.5), (1, 0.5), (2, 0.5)]


def test_what_the_config_drops_is_dropped(tmp_path: Path) -> None:
    added = message(5, message(1, message(1, b"a"), message(16, b"1")))
    removed = message(5, message(2, message(2, b"a")))
    own = message(5, message(1, message(1, b"_wandb"), message(16, b'{"x": 1}')))
    rows = [row(n, loss="1") for n in range(3)]
    assert read(write(tmp_path, added, own, *rows)).hparams == {"a": 1.0}
    assert read(write(tmp_path, added, removed, *rows)).hparams == {}


def histogram(step: int, *names: str) -> bytes:
    return row(step, loss="1", **dict.fromkeys(names, '{"_type": "histogram", "values": [1]}'))


@pytest.mark.parametrize(
    ("logged", "stops"),
    [
        ([n < 10 for n in range(20)], True),
        ([n % 5 == 0 and n < 30 for n in range(50)], True),
        ([n % 5 == 0 for n in range(50)], False),
        ([n % 5 == 0 and n < 35 for n in range(41)], False),
        ([n < 2 for n in range(50)], False),
    ],
    ids=["each step", "each fifth", "goes on", "too early to say", "too few"],
)
def test_a_histogram_that_stops(tmp_path: Path, logged: list[bool], stops: bool) -> None:
    rows = [histogram(n, *["gradients/w"] * there) for n, there in enumerate(logged)]
    assert any("no finite value" in note for note in read(write(tmp_path, *rows)).notes) is stops


def test_several_histograms_make_one_note(tmp_path: Path) -> None:
    names = [f"gradients/{letter}" for letter in "abcde"]
    image = '{"_type": "image-file", "width": 10}'
    rows = [histogram(n, *names[: 5 * (n < 10)]) for n in range(50)] + [
        row(50, loss="1", sample=image)
    ]
    run = read(write(tmp_path, *rows))
    assert set(points(run)) == {"loss"}
    assert run.notes[:2] == (
        "only numbers are read: 5 histograms and 1 other object passed over",
        "no histogram of gradients/a, gradients/b, gradients/c, … after step 9, while the log goes"
        " on to step 50: W&B leaves out a tensor that has no finite value",
    )


def test_damage_is_told_and_costs_what_it_touches(wandb_store: Written, tmp_path: Path) -> None:
    whole = written(wandb_store, "killed")
    data = bytearray(whole.read_bytes())
    data[40_000:41_000] = bytes(1000)
    data[90_000] ^= 1
    file = tmp_path / "run-killed.wandb"
    file.write_bytes(data)
    told, found = points(read(whole))["loss"], points(read(file))["loss"]
    assert set(found) < set(told)
    assert len(told) - 10 < len(found)
    first, second = read(file).lost
    assert first.file == second.file == "run-killed.wandb"
    assert 39_000 <= first.first <= 40_000 < 41_000 <= first.stop < 42_000
    assert 89_000 <= second.first <= 90_000 < second.stop < 91_000


def test_a_record_that_is_no_message_is_damage(tmp_path: Path) -> None:
    file = write(tmp_path, *(row(n, loss="1") for n in range(3)), b"\xff" * 20)
    assert len(read(file).lost) == 1
    assert len(points(read(file))["loss"]) == 3


@pytest.mark.parametrize(
    ("data", "reason", "broken"),
    [
        (framed([])[0], "the run was killed before W&B wrote anything, or has just begun", False),
        (b"", "the run was killed before W&B wrote anything, or has just begun", False),
        (framed([message(17)])[0], "the run logged nothing to W&B", False),
        (b"step,loss\n1,2\n" * 9, "not a W&B run log: no intact record in it", True),
        (bytes(99_999), "not a W&B run log: no intact record in it", True),
    ],
    ids=["only a header", "empty", "no history", "text", "zeros"],
)
def test_files_without_a_run(tmp_path: Path, data: bytes, reason: str, broken: bool) -> None:
    file = tmp_path / "run-abc.wandb"
    file.write_bytes(data)
    with pytest.raises(NotALog, match=f"^{reason}$") as caught:
        read(file)
    assert caught.value.broken is broken


@pytest.mark.parametrize(
    ("name", "head", "claimed"),
    [
        ("run-abc.wandb", b":W&B\xe1\xbe\x00", True),
        ("run-abc.wandb", b"", True),
        ("renamed", b":W&B\xe1\xbe\x00", True),
        ("run-abc.wandb.synced", b"", False),
        ("wandb-summary.json", b"{}", False),
    ],
)
def test_claims(name: str, head: bytes, claimed: bool) -> None:
    assert READER.claims(Candidate(Path(name), head)) is claimed


def test_several_logs_in_one_directory_are_several_runs(tmp_path: Path) -> None:
    one, other = tmp_path / "run-a.wandb", tmp_path / "run-b.wandb"
    assert list(READER.group([one, other], tmp_path)) == [
        Source(one, (one,)),
        Source(other, (other,)),
    ]
    assert list(READER.group([one], one)) == [Source(one, (one,))]


def test_analyze_gives_each_run_a_verdict(wandb_store: Written) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "gradcheck", "analyze", str(wandb_store.path), "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    runs = {run["path"].rpartition("-")[2]: run for run in found["runs"]}
    assert set(runs) == {"full", "killed"}
    assert runs["killed"]["verdict"] == "healthy"
    nonfinite = [e for e in runs["full"]["events"] if e["kind"] == "nonfinite_loss"]
    assert [event["step"] for event in nonfinite] == [200]
