"""Directories of event files: which of them are one run, and how its series are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gradcheck.errors import NotALog
from gradcheck.model import Run, Series
from gradcheck.readers.base import Candidate, Source
from gradcheck.readers.tensorboard import READER
from tests.readers.event_writers import (
    accumulated,
    event,
    keras_scalar,
    losses,
    only_file,
    scalar,
    torch_writer,
    write_events,
)


def sources(root: Path) -> dict[str, Source]:
    files = sorted(path for path in root.rglob("*tfevents*") if path.is_file())
    return {s.path.relative_to(root).as_posix(): s for s in READER.group(files, root)}


def only_run(root: Path) -> Run:
    (source,) = sources(root).values()
    return READER.read(source)


def series(run: Run) -> dict[str, Series]:
    return {one.name: one for one in run.series}


def keras(file: Path, tag: str, values: list[float], start: float = 0.0) -> None:
    write_events(
        file,
        [event(n, keras_scalar(tag, v), wall=start + n) for n, v in enumerate(values)],
    )


@pytest.mark.parametrize(
    ("name", "claimed"),
    [
        ("events.out.tfevents.1.host", True),
        ("events.out.tfevents.1.host.v2", True),
        ("metrics.csv", False),
        ("vdlrecords.1.log", False),
    ],
)
def test_claims(name: str, claimed: bool) -> None:
    assert READER.claims(Candidate(Path(name), b"")) is claimed


def test_files_of_a_directory_are_one_run_in_order(tmp_path: Path) -> None:
    write_events(tmp_path / "events.out.tfevents.1.host.10.9", losses([5.0, 4.0, 3.0]))
    write_events(tmp_path / "events.out.tfevents.1.host.10.10", losses([3.5, 2.5]))
    loss = series(only_run(tmp_path))["loss"]
    assert loss.value.tolist() == [5.0, 4.0, 3.0, 3.5, 2.5]
    assert loss.step.tolist() == [0, 1, 2, 0, 1]
    assert loss.order.tolist() == [1, 2, 3, 5, 6]
    assert loss.wall is not None


def test_same_points_as_tensorboard_over_a_resume(tmp_path: Path) -> None:
    for start in (0, 6, 3):
        writer = torch_writer(tmp_path, filename_suffix=f".{start}")
        for step in range(start, start + 10):
            writer.add_scalar("loss", 1 / (step + 1), step)
        writer.close()
    files = sorted(tmp_path.iterdir(), key=lambda f: f.name)
    expected = [point for file in files for point in accumulated(file)["loss"]]
    loss = series(only_run(tmp_path))["loss"]
    assert loss.wall is not None
    assert list(zip(loss.step, loss.wall, loss.value, strict=True)) == expected


def test_directories_are_runs_of_their_own(tmp_path: Path) -> None:
    for name in ("a", "b/deep", "train"):
        write_events(tmp_path / name / "x.tfevents.1", losses([1.0]))
    assert sorted(sources(tmp_path)) == ["a", "b/deep", "train"]


def test_keras_train_and_validation_belong_to_the_parent(tmp_path: Path) -> None:
    keras(tmp_path / "run" / "train" / "e.tfevents.1.v2", "epoch_loss", [3.0, 2.0, 1.0])
    keras(tmp_path / "run" / "validation" / "e.tfevents.1.v2", "epoch_loss", [4.0, 3.0], start=0.5)
    assert list(sources(tmp_path)) == ["run"]
    found = series(only_run(tmp_path))
    train, validation = found["train/epoch_loss"], found["validation/epoch_loss"]
    assert train.value.tolist() == [3.0, 2.0, 1.0]
    assert validation.value.tolist() == [4.0, 3.0]
    interleaved = sorted([*train.order.tolist(), *validation.order.tolist()])
    assert interleaved == [train.order[0], validation.order[0], train.order[1],
                           validation.order[1], train.order[2]]  # fmt: skip


def test_keras_without_validation_still_belongs_to_the_parent(tmp_path: Path) -> None:
    keras(tmp_path / "run" / "train" / "e.tfevents.1.v2", "epoch_loss", [3.0])
    assert list(sources(tmp_path)) == ["run"]
    assert list(series(only_run(tmp_path))) == ["train/epoch_loss"]


def test_a_part_named_as_the_root_is_a_run(tmp_path: Path) -> None:
    keras(tmp_path / "train" / "e.tfevents.1.v2", "epoch_loss", [3.0])
    assert list(series(only_run(tmp_path / "train"))) == ["epoch_loss"]


def test_fairseq_parts(tmp_path: Path) -> None:
    for part in ("train", "train_inner", "valid"):
        write_events(tmp_path / "tb" / part / "x.tfevents.1", losses([1.0]))
    assert list(sources(tmp_path)) == ["tb"]
    assert sorted(series(only_run(tmp_path))) == ["train/loss", "train_inner/loss", "valid/loss"]


def test_estimator_evaluation_belongs_to_the_run(tmp_path: Path) -> None:
    write_events(tmp_path / "model" / "x.tfevents.1", losses([1.0]))
    write_events(tmp_path / "model" / "eval" / "x.tfevents.1", losses([2.0]))
    assert list(sources(tmp_path)) == ["model"]
    assert sorted(series(only_run(tmp_path))) == ["eval/loss", "loss"]


def test_add_scalars_of_torch(tmp_path: Path) -> None:
    writer = torch_writer(tmp_path / "run")
    for step in range(3):
        writer.add_scalar("lr", 0.1, step)
        writer.add_scalars("net/loss", {"train": step, "val": 2 * step}, step)
    writer.close()
    write_events(tmp_path / "run" / "other_run" / "x.tfevents.1", losses([1.0]))
    assert sorted(sources(tmp_path)) == ["run", "run/other_run"]
    found = series(READER.read(sources(tmp_path)["run"]))
    assert list(found) == ["lr", "net/loss/train", "net/loss/val"]
    assert found["net/loss/val"].value.tolist() == [0.0, 2.0, 4.0]


def test_add_hparams_of_torch_describes_the_parent(tmp_path: Path) -> None:
    writer = torch_writer(tmp_path / "run")
    writer.add_scalar("loss", 1.0, 0)
    writer.add_hparams({"lr": 0.5}, {"hparam/accuracy": 0.9})
    writer.close()
    assert list(sources(tmp_path)) == ["run"]
    run = only_run(tmp_path)
    assert run.hparams == {"lr": 0.5}
    assert run.series[0].name == "loss"


def test_one_file_alone(tmp_path: Path) -> None:
    file = write_events(tmp_path / "a.tfevents.1", losses([1.0]))
    write_events(tmp_path / "a.tfevents.2", losses([2.0]))
    (source,) = READER.group([file], file)
    run = READER.read(source)
    assert (run.path, run.points, run.format) == (file, 1, "tensorboard")


def test_megatron_twins_are_dropped(tmp_path: Path) -> None:
    tags = ["lm loss", "lm loss vs samples", "lm-loss-training/lm loss vs tokens",
            "steps-vs-samples/y=steps,x=samples", "evaluation_loss_vs_iterations"]  # fmt: skip
    write_events(tmp_path / "x.tfevents", [event(1, *(scalar(tag, 1.0) for tag in tags))])
    assert list(series(only_run(tmp_path))) == ["lm loss", "evaluation_loss_vs_iterations"]


def test_damage_is_noted(tmp_path: Path) -> None:
    records = losses(range(9))
    records[4] = b"\xff" * len(records[4])
    write_events(tmp_path / "x.tfevents", records)
    run = only_run(tmp_path)
    assert series(run)["loss"].value.tolist() == [0, 1, 2, 3, 5, 6, 7, 8]
    (lost,) = run.lost
    assert lost.file == "x.tfevents"
    assert lost.stop - lost.first == len(records[4])


def test_clock_that_goes_back_keeps_the_file_order(tmp_path: Path) -> None:
    records = [event(n, scalar("loss", n), wall=[100, 50, 200][n]) for n in range(3)]
    write_events(tmp_path / "x.tfevents", records)
    assert series(only_run(tmp_path))["loss"].order.tolist() == [1, 2, 3]


def test_only_images_and_histograms(tmp_path: Path) -> None:
    writer = torch_writer(tmp_path)
    writer.add_image("a", np.zeros((3, 2, 2)))
    writer.add_image("b", np.zeros((3, 2, 2)))
    writer.add_histogram("h", np.arange(3.0))
    writer.close()
    with pytest.raises(NotALog, match="only 1 histogram, 2 images"):
        only_run(tmp_path)


@pytest.mark.parametrize(
    ("data", "reason", "broken"),
    [
        (b"", "empty", False),
        (b"this is not an event file, whatever its name", "no intact record", True),
        (losses([1.0])[0][:20], "empty", False),
    ],
)
def test_nothing_in_it(tmp_path: Path, data: bytes, reason: str, broken: bool) -> None:
    (tmp_path / "x.tfevents").write_bytes(data)
    with pytest.raises(NotALog, match=reason) as caught:
        only_run(tmp_path)
    assert caught.value.broken is broken


def test_a_version_record_alone(tmp_path: Path) -> None:
    writer = torch_writer(tmp_path)
    writer.close()
    assert only_file(tmp_path).stat().st_size > 0
    with pytest.raises(NotALog, match="no scalars"):
        only_run(tmp_path)
