"""Logs behind URLs: fsspec's memory, and S3 by its real client from a server on loopback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradcheck import loading, remote
from gradcheck.errors import UsageError
from gradcheck.model import Role
from tests.readers.event_writers import event, scalar, write_events

BUCKET = "runs"


def table(points: int = 40) -> str:
    return "step,loss\n" + "".join(f"{n},{1 / (n + 1)}\n" for n in range(points))


@pytest.fixture
def memory() -> Iterator[str]:
    import fsspec

    root = f"/{uuid.uuid4().hex}"
    files = fsspec.filesystem("memory")
    files.pipe(f"{root}/a/metrics.csv", table().encode())
    files.pipe(f"{root}/b/metrics.csv", table(30).encode())
    files.pipe(f"{root}/b/.hidden/metrics.csv", table(30).encode())
    files.pipe(f"{root}/c/notes.md", b"nothing")
    yield f"memory:/{root}"
    files.rm(root, recursive=True)


def test_a_directory_in_memory(memory: str) -> None:
    runs = loading.load(memory)
    assert [str(run.path) for run in runs] == [f"{memory}/a/metrics.csv", f"{memory}/b/metrics.csv"]
    assert [run.points for run in runs] == [40, 30]


def test_a_file_and_a_pattern(memory: str) -> None:
    assert [run.points for run in loading.load(f"{memory}/b/metrics.csv")] == [30]
    assert [run.points for run in loading.load(f"{memory}/*/metrics.csv")] == [40, 30]


def test_local_and_remote_side_by_side(memory: str, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(5))
    assert [run.points for run in loading.load(tmp_path, f"{memory}/a")] == [5, 40]


def test_nothing_there(memory: str) -> None:
    with pytest.raises(UsageError, match="no such file or directory: memory://"):
        loading.load(f"{memory}/none")


def test_a_protocol_that_nobody_speaks() -> None:
    with pytest.raises(UsageError, match="nosuch"):
        loading.load("nosuch://x/y")


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "upath", None)
    with pytest.raises(UsageError, match=r"pip install 'gradcheck\[remote\]'"):
        loading.load("s3://bucket/run")


@pytest.mark.parametrize(("path", "url"), [("s3://a/b", True), ("C:/runs", False), ("a/b", False)])
def test_what_is_a_url(path: str, url: bool) -> None:
    assert remote.is_url(path) is url


def test_faults_of_a_client_become_errors_and_ours_stay() -> None:
    fault = type("ClientError", (Exception,), {"__module__": "botocore.exceptions"})
    with pytest.raises(OSError, match="no credentials"), remote.failures("s3://x"):
        raise fault("no credentials")
    with pytest.raises(KeyError), remote.failures("s3://x"):
        raise KeyError("ours")


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The endpoint of a real S3 server (moto's) on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def analyze(endpoint: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "NO_PROXY": "127.0.0.1",
    }
    return subprocess.run(
        [sys.executable, "-m", "gradcheck", "analyze", "--fail-on", "never", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def fill(endpoint: str, directory: Path) -> None:
    import s3fs

    storage = s3fs.S3FileSystem(
        key="test", secret="test", endpoint_url=endpoint, client_kwargs={"region_name": "eu-west-1"}
    )
    storage.mkdir(BUCKET)
    storage.put(str(directory), f"{BUCKET}/sweep", recursive=True)


def test_s3(s3: str, tmp_path: Path) -> None:
    run = tmp_path / "sweep" / "run_1"
    run.mkdir(parents=True)
    (tmp_path / "sweep" / "run_2").mkdir()
    write_events(
        run / "events.out.tfevents.1.x",
        [event(n, scalar("train/loss", 1 / (n + 1)), wall=n) for n in range(50)],
    )
    (tmp_path / "sweep" / "run_2" / "metrics.csv").write_text(table())
    fill(s3, tmp_path / "sweep")
    ran = analyze(s3, f"s3://{BUCKET}/sweep", "--format", "json")
    assert ran.returncode == 0, ran.stderr
    runs = {one["path"]: one for one in json.loads(ran.stdout)["runs"]}
    assert set(runs) == {
        f"s3://{BUCKET}/sweep/run_1",
        f"s3://{BUCKET}/sweep/run_2/metrics.csv",
    }
    assert runs[f"s3://{BUCKET}/sweep/run_1"]["points"] == 50
    assert runs[f"s3://{BUCKET}/sweep/run_1"]["roles"][Role.LOSS.value] == "train/loss"

    missing = analyze(s3, "s3://no-such-bucket/run")
    assert missing.returncode == 2
    assert missing.stderr.count("\n") == 1, missing.stderr
