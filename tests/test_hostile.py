"""Logs from strangers: whatever is in them, one clear answer within bounds of time and memory."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import resource
import sqlite3
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.readers.event_writers import event, framed, scalar, write_events

# What is quadratic in such a log takes minutes. Idle cores need a few seconds at most; cores that
# other tests keep busy take several times as long.
MOST_SECONDS = 20.0
MOST_BYTES = 1 << 30
ODD = "\x1b]0;owned\x07\x1b[2J[bold]loss[/bold]<script>alert(1)</script>\n\r\t\u202eloss\x9b31m"
_ESCAPES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Ran:
    """What a run of the command line gave, and took."""

    code: int
    out: str
    err: str
    seconds: float
    """Of CPU."""
    megabytes: float
    """The peak of resident memory."""


def run(*arguments: str | Path, directory: Path) -> Ran:
    """Run the command line under the bounds that a hostile log must not break."""
    out, err = directory / "out.txt", directory / "err.txt"
    clean = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "COLUMNS")}
    with out.open("wb") as to_out, err.open("wb") as to_err:
        process = subprocess.Popen(
            [sys.executable, "-m", "gradcheck", *map(str, arguments)],
            stdout=to_out,
            stderr=to_err,
            stdin=subprocess.DEVNULL,
            env={**clean, "PYTHONIOENCODING": "utf-8"},
            preexec_fn=_bounded,
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Ran(
        process.returncode,
        out.read_bytes().decode("utf-8"),
        err.read_bytes().decode("utf-8"),
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
    )


def _bounded() -> None:
    # Twice what is allowed, so that what goes too far is measured, and what runs away ends.
    resource.setrlimit(resource.RLIMIT_CPU, (int(2 * MOST_SECONDS), int(2 * MOST_SECONDS)))
    resource.setrlimit(resource.RLIMIT_AS, (4 * MOST_BYTES, 4 * MOST_BYTES))


@pytest.fixture(name="logs")
def _logs(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs"


def check(ran: Ran, codes: tuple[int, ...]) -> None:
    print(f"{ran.seconds:.2f} s CPU, {ran.megabytes:.0f} MB, exit code {ran.code}")
    assert "Traceback" not in ran.err, ran.err[-2000:]
    assert ran.code in codes, ran.err[-2000:]
    assert ran.seconds < MOST_SECONDS
    assert ran.megabytes < MOST_BYTES >> 20
    for text in (ran.out, ran.err):
        assert _ESCAPES.search(text) is None
    # What cannot be judged is told in lines, not in pages.
    assert len(ran.err) < 20_000


def rows(name: str, count: int = 60) -> list[str]:
    return [f"step,{name}", *(f"{n},{1 / (n + 1)}" for n in range(count))]


Make = Callable[[Path], object]
_CASES: dict[str, tuple[Make, tuple[int, ...]]] = {}
FINE, FOUND, UNREADABLE, NOTHING = 0, 1, 2, 3


def case(*codes: int) -> Callable[[Make], Make]:
    """Take a function that writes a hostile log into a directory; which exit codes are right."""

    def register(make: Make) -> Make:
        _CASES[make.__name__] = (make, codes)
        return make

    return register


@case(FINE)
def odd_tags(logs: Path) -> None:
    records = [event(n, scalar(f"loss {ODD}", 1 / (n + 1)), scalar(ODD, 1.0)) for n in range(60)]
    write_events(logs / "events.out.tfevents.1", records)


@case(FINE)
def odd_columns(logs: Path) -> None:
    quoted = f"loss {ODD}".replace('"', '""')
    (logs / "metrics.csv").write_text("\n".join(rows(f'"{quoted}"')), newline="")


@case(FINE)
def odd_keys(logs: Path) -> None:
    lines = [json.dumps({"step": n, f"loss {ODD}": 1 / (n + 1), ODD: 1}) for n in range(60)]
    (logs / "metrics.jsonl").write_text("\n".join(lines))


@case(FINE, NOTHING)
def odd_text(logs: Path) -> None:
    lines = [
        f"step {n} \x1b[31m[bold]loss\x1b]0;x\x07 {1 / (n + 1)} \x9b2J<b>x</b> {n}"
        for n in range(60)
    ]
    (logs / "train.log").write_text("\n".join(lines))


@case(FINE)
def odd_file_name(logs: Path) -> None:
    name = "\x1b[2J[bold]<script>\n\u202e"
    (logs / name).mkdir()
    (logs / name / f"{name}.csv").write_text("\n".join(rows("loss")))


@case(FINE, NOTHING)
def long_tag(logs: Path) -> None:
    tag = "loss" + "x" * (1 << 20)
    records = [event(n, scalar(tag, 1.0), scalar("loss", 1 / (n + 1))) for n in range(20)]
    write_events(logs / "events.out.tfevents.1", records)


@case(FINE)
def long_column(logs: Path) -> None:
    body = [f"{n},{1 / (n + 1)},1" for n in range(60)]
    (logs / "metrics.csv").write_text("\n".join(["step,loss," + "y" * (100 << 10), *body]))


@case(UNREADABLE, NOTHING)
def longer_column(logs: Path) -> None:
    (logs / "metrics.csv").write_text("\n".join(rows("loss" + "x" * (1 << 20))))


@case(FINE)
def long_key(logs: Path) -> None:
    lines = [json.dumps({"step": n, "loss": 1 / (n + 1), "x" * (1 << 20): 1}) for n in range(30)]
    (logs / "metrics.jsonl").write_text("\n".join(lines))


@case(FINE)
def long_line_of_text(logs: Path) -> None:
    lines = [f"step {n} loss {1 / (n + 1)} " + "x=1 " * (1 << 18) for n in range(30)]
    (logs / "train.log").write_text("\n".join(lines))


@case(FINE)
def many_tags(logs: Path) -> None:
    records = [event(n // 2, scalar(f"tag{n}", 1.0)) for n in range(100_000)]
    records += [event(n, scalar("loss", 1 / (n + 1))) for n in range(60)]
    write_events(logs / "events.out.tfevents.1", records)


@case(FINE)
def many_losses(logs: Path) -> None:
    records = [
        event(step, *(scalar(f"loss/{n}", 1 / (step + 1)) for n in range(5000)))
        for step in range(5)
    ]
    write_events(logs / "events.out.tfevents.1", records)


@case(FINE)
def many_gradients(logs: Path) -> None:
    names = [f"grad_norm/layers.{n}.weight" for n in range(5000)]
    records = [
        event(step, scalar("loss", 1 / (step + 1)), *(scalar(name, 1.0) for name in names))
        for step in range(5)
    ]
    write_events(logs / "events.out.tfevents.1", records)


@case(FINE)
def many_keys(logs: Path) -> None:
    wide = {f"key{n}": 1.0 for n in range(100_000)}
    lines = [json.dumps({"step": 0, "loss": 1.0, **wide})]
    lines += [json.dumps({"step": n, "loss": 1 / (n + 1)}) for n in range(1, 60)]
    (logs / "metrics.jsonl").write_text("\n".join(lines))


@case(FINE)
def many_keys_one_a_line(logs: Path) -> None:
    lines = [json.dumps({"step": n, "loss": 1 / (n + 1), f"k{n}": 1.0}) for n in range(50_000)]
    (logs / "metrics.jsonl").write_text("\n".join(lines))


@case(FINE)
def many_columns(logs: Path) -> None:
    names = ["step", "loss", *(f"c{n}" for n in range(10_000))]
    body = [f"{n},{1 / (n + 1)}" + ",1.5" * 10_000 for n in range(60)]
    (logs / "metrics.csv").write_text("\n".join([",".join(names), *body]))


@case(FINE, NOTHING)
def many_lines_of_text(logs: Path) -> None:
    """No two of them were printed by one statement."""
    lines = [f"step {n} loss {1 / (n + 1)} name{n}=1.5 other {n}" for n in range(10_000)]
    (logs / "train.log").write_text("\n".join(lines))


@case(NOTHING)
def claimed_length(logs: Path) -> None:
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    length = struct.pack("<Q", 1 << 60)
    header = length + struct.pack("<I", masked_crc32c(length))
    write_events(logs / "events.out.tfevents.1", [header, b"x" * 100])


@case(FINE, UNREADABLE)
def claimed_length_among_records(logs: Path) -> None:
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    length = struct.pack("<Q", 1 << 60)
    header = length + struct.pack("<I", masked_crc32c(length))
    sound = [event(n, scalar("loss", 1 / (n + 1))) for n in range(60)]
    write_events(logs / "events.out.tfevents.1", [*sound, header, *sound])


@case(UNREADABLE, NOTHING)
def claimed_field(logs: Path) -> None:
    payload = b"\x09" + bytes(8) + b"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + b"x" * 50
    write_events(logs / "events.out.tfevents.1", [framed(payload)] * 50)


@case(UNREADABLE, NOTHING)
def nested_lines(logs: Path) -> None:
    (logs / "metrics.jsonl").write_text('{"loss":' * 100_000 + "1" + "}" * 100_000)


@case(UNREADABLE, NOTHING)
def nested_document(logs: Path) -> None:
    (logs / "metrics.json").write_text('{"loss":' + "[" * 100_000 + "]" * 100_000 + "}")


@case(FINE, FOUND)
def long_integer(logs: Path) -> None:
    lines = [json.dumps({"step": n, "loss": 1 / (n + 1)}) for n in range(60)]
    lines.insert(30, '{"step": 30, "loss": 1.0, "n": ' + "9" * 10_000_000 + "}")
    (logs / "metrics.jsonl").write_text("\n".join(lines))


@case(FINE)
def long_integer_in_a_table(logs: Path) -> None:
    body = rows("loss")
    body.insert(30, "29,0.03" + "9" * 10_000_000)
    (logs / "metrics.csv").write_text("\n".join(body))


@case(FINE)
def long_integer_in_a_text(logs: Path) -> None:
    lines = [f"step {n} loss {1 / (n + 1)}" for n in range(60)]
    lines.insert(30, "step " + "9" * 10_000_000 + " loss 1")
    (logs / "train.log").write_text("\n".join(lines))


@case(FINE)
def loops(logs: Path) -> None:
    (logs / "metrics.csv").write_text("\n".join(rows("loss")))
    (logs / "self").symlink_to(logs / "self")
    (logs / "self.csv").symlink_to(logs / "self.csv")
    (logs / "up").symlink_to(logs, target_is_directory=True)
    (logs / "a").mkdir()
    (logs / "b").mkdir()
    (logs / "a" / "b").symlink_to(logs / "b", target_is_directory=True)
    (logs / "b" / "a").symlink_to(logs / "a", target_is_directory=True)


@case(NOTHING)
def pipes_within(logs: Path) -> None:
    for name in ("log.csv", "train.log", "events.out.tfevents.1", "a.jsonl", "a.wandb", "m.db"):
        os.mkfifo(logs / name)


@case(FINE)
def many_files(logs: Path) -> None:
    text = "\n".join(rows("loss"))
    (logs / "metrics.csv").write_text(text)
    for n in range(5_000):
        (logs / f"sample{n}.txt").write_text(f"sample {n} of the data\n")
        (logs / f"sample{n}.png").write_bytes(b"\x89PNG\r\n\x1a\n\0")


@case(FINE)
def many_directories(logs: Path) -> None:
    text = "\n".join(rows("loss", 4))
    for n in range(300):
        (logs / f"run{n}").mkdir()
        (logs / f"run{n}" / "metrics.csv").write_text(text)


class _Opens:
    """Creates a file when it is loaded from a pickle."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.file), "w")


_LOG_NAMES = (
    "log.csv", "train.log", "events.out.tfevents.1", "a.jsonl", "metrics.json", "state.pt",
    "trainer_state.json", "a.wandb", "mlflow.db", "training_args.bin",
)  # fmt: skip


@case(UNREADABLE, NOTHING)
def pickles(logs: Path) -> None:
    for name in _LOG_NAMES:
        (logs / name).write_bytes(pickle.dumps(_Opens(logs.parent / "unpickled")))


@case(UNREADABLE, NOTHING)
def checkpoints(logs: Path) -> None:
    """What `torch.save` writes: a zip that holds a pickle."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(_Opens(logs.parent / "unpickled")))
        archive.writestr("archive/data/0", bytes(50 << 20))
    for name in _LOG_NAMES:
        (logs / name).write_bytes(packed.getvalue())


@case(UNREADABLE)
def garbage_of_wandb(logs: Path) -> None:
    (logs / "run-abc.wandb").write_bytes(b":W&B" + os.urandom(4 << 20))


@case(UNREADABLE, NOTHING)
def schema_of_views(logs: Path) -> None:
    with closing(sqlite3.connect(logs / "mlflow.db")) as database:
        database.executescript("""
            WITH RECURSIVE n(x) AS (SELECT 1) SELECT x FROM n;
            CREATE VIEW runs AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)
              SELECT x AS run_uuid, x AS name, x AS status, 'active' AS lifecycle_stage FROM n;
            CREATE VIEW metrics AS SELECT * FROM runs; CREATE VIEW params AS SELECT * FROM runs;
        """)


@case(FINE, UNREADABLE, NOTHING)
def schema_of_tricks(logs: Path) -> None:
    """Columns that are computed, and an index that calls a function."""
    with closing(sqlite3.connect(logs / "mlflow.db")) as database:
        database.executescript("""
            CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT AS (printf('%.*c', 90000000,
              'x')), status TEXT, lifecycle_stage TEXT);
            CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT,
              step BIGINT, is_nan);
            CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
            INSERT INTO runs (run_uuid, status, lifecycle_stage) VALUES ('a', 'x', 'active');
            INSERT INTO runs (run_uuid, status, lifecycle_stage) VALUES ('b', 'x', 'active');
        """)
        for n in range(60):
            database.execute(
                "INSERT INTO metrics VALUES ('loss', ?, 1, 'a', ?, 0)", (1 / (n + 1), n)
            )
        database.commit()


@pytest.mark.parametrize("command", ["analyze", "inspect"])
@pytest.mark.parametrize("name", list(_CASES))
def test_within_bounds(name: str, command: str, logs: Path, tmp_path: Path) -> None:
    make, codes = _CASES[name]
    make(logs)
    ran = run(command, logs, directory=tmp_path)
    check(ran, codes)
    assert len(ran.out) < 100_000
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize("format_name", ["json", "html", "markdown", "github", "junit", "sarif"])
@pytest.mark.parametrize("name", ["odd_tags", "odd_file_name"])
def test_in_every_format(name: str, format_name: str, logs: Path, tmp_path: Path) -> None:
    from gradcheck import formats

    if format_name not in formats.names():
        pytest.skip(f"no such format yet: {format_name}")
    _CASES[name][0](logs)
    check(run("analyze", logs, "--format", format_name, directory=tmp_path), _CASES[name][1])


@pytest.mark.parametrize("name", ["log.csv", "train.log", "events.out.tfevents.1", "a.wandb"])
def test_a_pipe_named_directly_is_not_waited_for(name: str, logs: Path, tmp_path: Path) -> None:
    os.mkfifo(logs / name)
    check(run("analyze", logs / name, directory=tmp_path), (NOTHING,))


@pytest.fixture(name="locked")
def _locked(logs: Path) -> Iterator[Path]:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    for name in ("metrics.csv", "events.out.tfevents.1", "train.log"):
        (logs / name).write_text("step,loss\n1,1\n")
        (logs / name).chmod(0)
    yield logs
    for file in logs.iterdir():
        file.chmod(0o600)


def test_files_that_may_not_be_read(locked: Path, tmp_path: Path) -> None:
    ran = run("analyze", locked, directory=tmp_path)
    check(ran, (UNREADABLE,))
    assert ran.err.count("cannot be read: Permission denied") == 3
