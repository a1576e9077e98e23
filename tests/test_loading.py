"""Loading: which files become which runs, and what is said about the others."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gradcheck import finding, loading
from gradcheck.errors import NothingToJudge, UsageError
from gradcheck.model import Role, Run, Said, Unread
from tests.readers.event_writers import event, losses, scalar, write_events

TABLE = "epoch,loss,val_loss\n0,3,4\n1,2,3\n2,1,2\n"
CORPUS = Path(__file__).parents[2] / "shared" / "corpus"


def table(file: Path, text: str = TABLE) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def everything(*paths: str | Path) -> tuple[list[Run], list[Unread]]:
    loaded = loading.collect(paths)
    return list(loaded.runs), list(loaded.unread)


def only_unread(*paths: str | Path) -> Unread:
    runs, (unread,) = everything(*paths)
    assert not runs
    return unread


def test_a_directory_of_runs(tmp_path: Path) -> None:
    table(tmp_path / "b" / "log.csv")
    table(tmp_path / "a" / "log.csv")
    write_events(tmp_path / "c" / "x.tfevents", losses([1.0]))
    (tmp_path / "notes.md").write_text("# notes")
    runs, unread = everything(tmp_path)
    assert [run.path.relative_to(tmp_path).as_posix() for run in runs] == [
        "a/log.csv", "b/log.csv", "c",
    ]  # fmt: skip
    assert unread == []


def test_load_gives_roles_and_framework(tmp_path: Path) -> None:
    file = table(tmp_path / "lightning_logs" / "version_0" / "metrics.csv")
    (run,) = loading.load(file, overrides={Role.GRAD_NORM: "val_loss"})
    assert run.primary == {Role.LOSS: "loss", Role.GRAD_NORM: "val_loss"}
    assert (run.framework, run.format) == ("lightning", "csv")
    assert loading.load(str(file))[0].points == 6


def test_hidden_and_foreign_directories_are_skipped(tmp_path: Path) -> None:
    for name in (".git", ".venv", "node_modules", "__pycache__", ".ipynb_checkpoints"):
        table(tmp_path / name / "log.csv")
    table(tmp_path / "._log.csv")
    assert everything(tmp_path) == ([], [])
    assert len(loading.load(tmp_path / ".git")) == 1


def test_loops_of_links_end(tmp_path: Path) -> None:
    table(tmp_path / "run" / "log.csv")
    (tmp_path / "run" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "twin").symlink_to(tmp_path / "run", target_is_directory=True)
    (tmp_path / "dangling.csv").symlink_to(tmp_path / "nowhere.csv")
    runs, unread = everything(tmp_path)
    assert (len(runs), unread) == (1, [])


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    file = table(tmp_path / "log.csv")
    (tmp_path / "link.csv").symlink_to(file)
    assert len(loading.load(file, tmp_path, str(file), tmp_path / "link.csv")) == 1


def test_patterns(tmp_path: Path) -> None:
    for name in ("a/log.csv", "b/log.csv", "c/other.csv"):
        table(tmp_path / name)
    assert len(loading.load(f"{tmp_path}/*/log.csv")) == 2
    table(tmp_path / "d[1].csv")
    assert len(loading.load(tmp_path / "d[1].csv")) == 1
    with pytest.raises(UsageError, match="no such file or directory"):
        loading.load(f"{tmp_path}/*.nothing")


def test_event_files_of_a_directory_named_one_by_one(tmp_path: Path) -> None:
    files = [write_events(tmp_path / f"x.tfevents.{n}", losses([1.0])) for n in range(3)]
    (run,) = loading.load(*files)
    assert (run.path, run.points) == (tmp_path, 3)
    (run,) = loading.load(files[0])
    assert (run.path, run.points) == (files[0], 1)


def test_no_such_path() -> None:
    with pytest.raises(UsageError, match="no such file or directory: /nowhere/at/all"):
        finding.find(["/nowhere/at/all"])


def test_a_name_that_no_file_system_takes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: File name too long"):
        finding.find([tmp_path / ("x" * 5000)])


def test_a_directory_that_may_be_listed_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(tmp_path / "log.csv")

    def refuse(*_arguments: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    (unread,) = finding.find([tmp_path]).unread
    assert unread == Unread(tmp_path / "log.csv", "cannot be read: Permission denied", broken=True)


def test_a_missing_path_beside_others_is_one_that_cannot_be_read(tmp_path: Path) -> None:
    runs, unread = everything(table(tmp_path / "log.csv"), tmp_path / "gone")
    assert len(runs) == 1
    assert unread == [Unread(tmp_path / "gone", "no such file or directory", broken=True)]


def test_override_that_names_no_series(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--loss: no series 'lost'.*loss"):
        loading.load(table(tmp_path / "log.csv"), overrides={Role.LOSS: "lost"})


def test_a_file_that_is_no_log_is_named_if_the_user_named_it(tmp_path: Path) -> None:
    picture = tmp_path / "curve.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\0")
    assert only_unread(picture) == Unread(picture, "not a log that gradcheck knows: .png")
    assert everything(tmp_path) == ([], [])


@pytest.mark.parametrize(
    ("name", "data", "reason", "broken"),
    [
        ("x.csv", b"", "the table is empty", False),
        ("x.csv", b"a,b\n1,2\n", "no step or epoch column; columns: a, b", False),
        ("x.csv", b"\0\1\2", "binary", True),
        ("x.csv", b"step,odd,r2\n1,2,3\n", "no loss or gradient series; series: odd, r2", False),
        ("x.tfevents", b"", "the event file is empty", False),
        ("x.tfevents", b"nonsense, and quite a lot of it", "not a TensorBoard event file", True),
    ],
)
def test_claimed_files_that_cannot_be_judged(
    tmp_path: Path, name: str, data: bytes, reason: str, broken: bool
) -> None:
    (tmp_path / name).write_bytes(data)
    for path in (tmp_path, tmp_path / name):
        unread = only_unread(path)
        assert reason in unread.reason
        assert unread.broken is broken


def test_an_unrecognised_loss_can_be_named(tmp_path: Path) -> None:
    file = table(tmp_path / "x.csv", "step,weird\n1,2\n2,1\n")
    assert "--loss" in only_unread(file).reason
    (run,) = loading.load(file, overrides={Role.LOSS: "weird"})
    assert run.primary == {Role.LOSS: "weird"}


def test_nothing_to_judge_says_why(tmp_path: Path) -> None:
    with pytest.raises(NothingToJudge, match="no training log found in"):
        loading.load(tmp_path)
    table(tmp_path / "x.csv", "a,b\n1,2\n")
    with pytest.raises(NothingToJudge, match=r"x\.csv: no step or epoch column"):
        loading.load(tmp_path)


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    file = table(tmp_path / "log.csv")
    file.chmod(0)
    yield file
    file.chmod(0o600)


def test_unreadable_file(locked: Path) -> None:
    assert only_unread(locked.parent).broken


def test_a_file_that_vanishes_or_locks_while_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = table(tmp_path / "log.csv")

    def refuse(_self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert only_unread(file) == Unread(file, "cannot be read: Permission denied", broken=True)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log.csv")
    assert only_unread(tmp_path / "log.csv").reason == "not a regular file"
    assert everything(tmp_path) == ([], [])


def test_event_files_and_a_table_of_the_same_run(tmp_path: Path) -> None:
    records = [event(n, scalar("loss", 1 / (n + 1)), wall=n) for n in range(50)]
    write_events(tmp_path / "x.tfevents", records)
    rows = ["step,loss,grad_norm", *(f"{n},{1 / (n + 1):.4f},{n}" for n in range(0, 50, 10))]
    table(tmp_path / "metrics.csv", "\n".join(rows))
    (run,) = loading.load(tmp_path)
    assert (run.path, run.format) == (tmp_path, "tensorboard")
    loss, grad_norm = run.get(Role.LOSS), run.get(Role.GRAD_NORM)
    assert loss is not None
    assert grad_norm is not None
    assert (len(loss), len(grad_norm)) == (50, 5)
    assert grad_norm.order.tolist() == loss.order[::10].tolist()
    assert run.notes == ("metrics.csv (csv) logs the same run; added from it: grad_norm",)


def test_event_files_beside_a_table_of_another_run(tmp_path: Path) -> None:
    write_events(tmp_path / "x.tfevents", losses([9.0, 8.0, 7.0]))
    table(tmp_path / "metrics.csv")
    runs, unread = everything(tmp_path)
    assert [run.format for run in runs] == ["tensorboard", "csv"]
    assert unread == []


def rows_of_the_corpus() -> list[dict[str, str]]:
    formats = {"lightning_csv", "keras_csvlog", "results_csv", "history_csv", "progress_csv",
               "algoperf_csv", "tfevents"}  # fmt: skip
    index = CORPUS / "index.tsv"
    if not index.exists():
        return []
    with index.open(newline="") as opened:
        return [row for row in csv.DictReader(opened, delimiter="\t") if row["format"] in formats]


def expected_loss(row: dict[str, str]) -> set[str]:
    if row["repo"].startswith("DCY501"):
        return {"train/box_loss"}
    if "generalized_adam/study" in row["file"]:  # its `loss` is that of the first 100 steps
        return {"train/ctc_loss"}
    return {"loss", "train_loss", "train/loss", "total_loss", "train/total_loss",
            "train_loss_step", "lm-loss-training/lm loss"}  # fmt: skip


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
@pytest.mark.parametrize("row", rows_of_the_corpus(), ids=lambda row: row["file"])
def test_corpus(row: dict[str, str]) -> None:
    runs, unread = everything(CORPUS / row["file"])
    if row["class"] == "other":
        assert not runs
        assert unread[0].reason
        return
    (run,) = runs
    assert run.primary[Role.LOSS] in expected_loss(row)
    assert run.notes == () or row["format"] in ("history_csv", "algoperf_csv")


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
def test_the_tables_of_the_corpus_agree_with_their_event_files() -> None:
    """AlgoPerf writes NaN as a blank cell, and as NaN into the event file beside the table."""
    compared = 0
    for file in sorted(CORPUS.glob("mlcommons*/**/measurements.csv")):
        events = sorted(file.parent.glob("*tfevents*"))
        if not events:
            continue
        (from_table,), (from_events,) = loading.load(file), loading.load(*events)
        by_name = {series.name: series for series in from_events.series}
        for series in from_table.series:
            if series.role in (Role.LOSS, Role.VALIDATION_LOSS, Role.GRAD_NORM):
                other = by_name[series.name]
                np.testing.assert_allclose(series.value, other.value, rtol=1e-5)
                np.testing.assert_equal(series.step, other.step)
                compared += 1
    assert compared > 20


def test_a_console_log_joins_the_tracker_beside_it(tmp_path: Path) -> None:
    values = [1 / (n + 1) for n in range(50)]
    records = [event(n, scalar("train/loss", value), wall=n) for n, value in enumerate(values)]
    (tmp_path / "logs").mkdir()
    write_events(tmp_path / "logs" / "x.tfevents", records)
    lines = [f"step {n} | loss: {value:.4f} | tok/s: {n + 7}" for n, value in enumerate(values)]
    (tmp_path / "train.log").write_text("\n".join([*lines, "Killed"]))
    (run,) = loading.load(tmp_path)
    assert (run.format, run.points) == ("tensorboard", 100)
    assert run.notes == ("train.log (text) logs the same run; added from it: tok/s",)
    assert [(message.said, message.order) for message in run.messages] == [(Said.KILLED, 50)]


def test_a_console_log_of_another_run_stands_alone(tmp_path: Path) -> None:
    records = [event(n, scalar("train/loss", 1 / (n + 1)), wall=n) for n in range(50)]
    write_events(tmp_path / "x.tfevents", records)
    lines = [f"step {n} | loss: {3 / (n + 1):.4f} | lr: 0.1" for n in range(50)]
    (tmp_path / "train.log").write_text("\n".join(lines))
    assert [run.format for run in loading.load(tmp_path)] == ["tensorboard", "text"]


def test_two_runs_with_one_schedule_are_two(tmp_path: Path) -> None:
    records = [event(n, scalar("loss", 1 / (n + 1)), scalar("lr", 0.1), wall=n) for n in range(50)]
    write_events(tmp_path / "x.tfevents", records)
    rows = ["step,loss,lr", *(f"{n},{2 / (n + 1)},0.1" for n in range(50))]
    table(tmp_path / "other.csv", "\n".join(rows))
    assert len(loading.load(tmp_path)) == 2


def test_a_crash_in_a_file_of_its_own(tmp_path: Path) -> None:
    table(tmp_path / "metrics.csv")
    (tmp_path / "stderr.log").write_text(
        "Traceback (most recent call last):\n  File 'train.py', line 3\nIndexError: index 5 is out "
        "of bounds for dimension 0 with size 5\n"
    )
    (run,) = loading.load(tmp_path)
    assert run.format == "csv"
    assert [message.said for message in run.messages] == [Said.INDEX_OUT_OF_RANGE]


def test_lost_bytes_are_told_in_few_words(tmp_path: Path) -> None:
    file = tmp_path / "x.tfevents"
    write_events(file, losses([9.0] * 200))
    data = bytearray(file.read_bytes())
    for at in range(2000, 8000, 1000):
        data[at : at + 40] = bytes(40)
    file.write_bytes(data)
    (run,) = loading.load(tmp_path)
    assert len(run.lost) > 3
    assert len(run.notes) == 4
    assert "more damaged places" in run.notes[-1]


def test_checksums_are_checked_on_demand(tmp_path: Path) -> None:
    file = tmp_path / "x.tfevents"
    write_events(file, losses([float(n) for n in range(100)]))
    data = bytearray(file.read_bytes())
    data[-8 * len(data) // 16] ^= 1
    file.write_bytes(data)
    assert loading.collect([tmp_path]).runs[0].lost == ()
    assert len(loading.collect([tmp_path], verify=True).runs[0].lost) == 1
