"""Files of bare numbers: which are taken for a training's, and what their columns are called."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from gradcheck import finding, loading
from gradcheck.errors import NotALog
from gradcheck.model import Role, Run
from gradcheck.readers import roles
from gradcheck.readers.base import Candidate
from gradcheck.readers.number_rows import READER

TWO = "10,2.5,-7\n20,2.25,-6.5\n30,nan,-6\n40,1.75,-5\n"
COLON = "900: -3.25\n901: -3.5\n902: 4100.0\n903: -1.5e0\n"


def read(directory: Path, text: str, name: str) -> Run:
    file = directory / name
    file.write_text(text)
    (source,) = READER.group([file], file)
    return roles.assign(READER.read(source), {})


def points(run: Run, name: str) -> list[tuple[int, float]]:
    (series,) = [one for one in run.series if one.name == name]
    return list(zip(series.step.tolist(), series.value.tolist(), strict=True))


@pytest.mark.parametrize(
    ("name", "text", "claimed"),
    [
        ("loss_log.txt", TWO, True),
        ("numbers.txt", TWO, True),
        ("loss", TWO, True),
        ("loss.csv", TWO, True),
        ("train.log", COLON, True),
        ("loss.txt", "1 0.5\n2 0.25\n3 inf\n", True),
        ("loss.txt", "1\t0.5\n2\t.25\n\n3\t1e-3\n", True),
        ("loss.csv", "1,0.5\n2,0.25\n3,0.1\n", False),
        ("loss.txt", "step loss\n1 0.5\n2 0.25\n3 0.1\n", False),
        ("loss.txt", "1 0.5\n2 0.25\n", False),
        ("loss.txt", "1 0.5\n1 0.25\n1 0.1\n", False),
        ("loss.txt", "3 0.5\n2 0.25\n1 0.1\n", False),
        ("loss.txt", "1.5 0.5\n2.5 0.25\n3.5 0.1\n", False),
        ("loss.txt", "1 0.5\n2 0.25 0.1\n3 0.1\n", False),
        ("loss.txt", "1 a\n2 b\n3 c\n", False),
        ("loss.txt", "1\n2\n3\n", False),
        ("sums.txt", "d41d8cd9 1\ne3b0c442 2\nda39a3ee 3\n", False),
        ("vectors.txt", "".join(f"{n} {'0.5 ' * 50}\n" for n in range(5)), False),
        ("loss.txt", "1,,0.5\n2,,0.25\n3,,0.1\n", False),
        ("loss.txt", "1:0.5\n2 : -.25\n3: +1e-3;\n", True),
        ("loss.txt", ("1 2" + " " * 400 + "x\n") * 9, False),
        ("loss.npy", TWO, False),
        ("loss.txt", "", False),
    ],
)
def test_claims(name: str, text: str, claimed: bool) -> None:
    assert READER.claims(Candidate(Path(name), text.encode()[:4096])) is claimed


def test_a_line_that_the_head_cuts_is_not_looked_at() -> None:
    text = "".join(f"{n} 0.5\n" for n in range(1000)).encode()
    assert READER.claims(Candidate(Path("loss.txt"), text[:4096]))


def test_the_first_column_is_called_by_a_file_that_says_loss(tmp_path: Path) -> None:
    run = read(tmp_path, TWO, "loss_log.txt")
    assert [step for step, _ in points(run, "loss_log")] == [10, 20, 30, 40]
    assert math.isnan(points(run, "loss_log")[2][1])
    assert points(run, "column 3") == [(10, -7.0), (20, -6.5), (30, -6.0), (40, -5.0)]
    assert run.primary[Role.LOSS] == "loss_log"
    assert "the first is taken" in run.notes[0]


def test_other_columns_are_called_by_their_places(tmp_path: Path) -> None:
    run = read(tmp_path, TWO, "curve.txt")
    assert [one.name for one in run.series] == ["column 2", "column 3"]
    assert Role.LOSS not in run.primary
    (named,) = loading.load(tmp_path / "curve.txt", overrides={Role.LOSS: "column 2"})
    assert named.primary[Role.LOSS] == "column 2"


def test_a_step_a_colon_and_a_value_are_a_loss(tmp_path: Path) -> None:
    run = read(tmp_path, COLON, "train.log")
    assert points(run, "loss") == [(900, -3.25), (901, -3.5), (902, 4100.0), (903, -1.5)]
    assert "taken for the loss" in run.notes[0]
    assert [s.order.tolist() for s in run.series] == [[1, 2, 3, 4]]


def test_a_lone_column_of_a_file_that_says_loss(tmp_path: Path) -> None:
    run = read(tmp_path, "1 0.5\n2 0.25\n3 0.1\n", "val_loss.txt")
    assert run.primary == {Role.VALIDATION_LOSS: "val_loss"}
    assert run.notes == ()


def test_lines_of_something_else_are_told(tmp_path: Path) -> None:
    run = read(tmp_path, COLON + "Killed\n904: -1.25\n", "train.log")
    assert points(run, "loss")[-1] == (904, -1.25)
    assert run.notes[-1] == "passed over what is no step and its values: 1 of the lines"
    assert run.series[0].order.tolist()[-1] == 6


@pytest.mark.parametrize("name", ["loss_log.txt", "train_loss.txt", "losses.txt", "training.log"])
def test_in_a_directory_the_name_has_to_say_so(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(TWO)
    ((log,), ()) = (finding.find([tmp_path]).logs, finding.find([tmp_path]).unread)
    assert log.source.path == tmp_path / name
    assert READER.read(log.source).series


@pytest.mark.parametrize("name", ["data.txt", "train.txt", "embedding.log", "loss_weights.txt"])
def test_other_numbers_in_a_directory_are_to_be_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(TWO)
    (log,) = finding.find([tmp_path]).logs
    with pytest.raises(NotALog, match="name the file alone"):
        READER.read(log.source)
    (log,) = finding.find([tmp_path / name]).logs
    assert READER.read(log.source).series


@pytest.mark.parametrize("name", ["labels.txt", "points.dat", "IDS"])
def test_numbers_that_nobody_expects_to_be_read_are_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(TWO)
    assert finding.find([tmp_path]).logs == ()
