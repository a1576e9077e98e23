"""The record: read by TensorBoard and by gradcheck, kept in a crash, and never in the way."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gradcheck import diagnosis
from gradcheck.watch import record
from gradcheck.watch.record import Record
from tests.watch.running import Ran, Zygote, python, write

TRAIN = """
import sys
import torch
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 10, 0.5)
data = TensorDataset(torch.randn(120, 4), torch.randn(120, 1))
for x, y in DataLoader(data, batch_size=4):
    loss = torch.nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    print(loss.item(), norm.item(), optimizer.param_groups[0]["lr"], x.max().item())
    optimizer.step()
    scheduler.step()
"""


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard's own reader finds."""
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    found.Reload()
    tags = found.Tags()["scalars"]
    return {tag: [(event.step, event.value) for event in found.Scalars(tag)] for tag in tags}


def test_tensorboard_reads_what_the_script_saw(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, TRAIN)
    assert ran.code == 0, ran.err
    seen = [tuple(map(float, line.split())) for line in ran.out.splitlines()]
    found = scalars(ran.record)
    tags = ("loss", "grad_norm", "learning_rate", "batch/input_max")
    for at, tag in enumerate(tags):
        assert [step for step, _ in found[tag]] == list(range(30))
        assert [v for _, v in found[tag]] == pytest.approx([row[at] for row in seen], rel=1e-5)
    assert max(value for _, value in found["clipped_grad_norm"]) <= 0.5001
    assert "layers/weight/grad_norm" in found
    assert "update_to_weight_ratio" in found


def test_gradcheck_reads_it_to_the_same_report(zygote: Zygote, tmp_path: Path) -> None:
    source = TRAIN.replace("mse_loss(model(x), y)", "mse_loss(model(x), y / (y != data[70][1]))")
    ran = zygote.watch(tmp_path, source)
    assert ran.code == 1
    (again,) = diagnosis.analyze(ran.record).runs
    assert again.verdict == ran.run["verdict"]
    assert again.diagnoses[0].cause == ran.cause
    assert again.first_bad_step == ran.run["first_bad_step"] == 17
    found = scalars(ran.record)["loss"]
    assert not math.isfinite(found[-1][1])
    assert len(found) == 18


def test_the_rows_of_a_crash_are_kept(zygote: Zygote, tmp_path: Path) -> None:
    source = TRAIN.replace("    scheduler.step()", "    if x.data_ptr and len(sys.argv) > 9: pass")
    source += "raise RuntimeError('at the end')\n"
    ran = zygote.watch(tmp_path, source)
    assert ran.code == 1
    assert len(scalars(ran.record)["loss"]) == 30
    assert any(line.get("said") for line in ran.lines)


def test_a_second_run_into_the_same_directory(zygote: Zygote, tmp_path: Path) -> None:
    """What an earlier run left there is not told of the new one."""
    broken = TRAIN.replace("mse_loss(model(x), y)", "mse_loss(model(x), y) * float('nan')")
    assert zygote.watch(tmp_path, broken).code == 1
    ran = zygote.watch(tmp_path, TRAIN)
    assert ran.code == 0, ran.err
    assert "failure" not in ran.severities


# ---- what the disk does

FAULTS = {
    "full_from_the_start": "record.Record._open = lambda self: open('/dev/full', 'wb')",
    "full_later": """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
""",
    "gone": """
import shutil
real = record.Record.row
def row(self, step, values):
    if step == 5:
        shutil.rmtree(self.directory)
    real(self, step, values)
record.Record.row = row
""",
    "notes_cannot_be_written": """
def _line(self, entry):
    raise OSError(28, "No space left on device")
record.Record._line = _line
""",
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_disk_that_fails_does_not_hurt_the_training(
    zygote: Zygote, tmp_path: Path, name: str
) -> None:
    bare = zygote.bare(tmp_path / "bare", TRAIN)
    prelude = f"from gradcheck.watch import record\n{FAULTS[name]}"
    ran = zygote.watch(tmp_path / "seen", TRAIN, prelude=prelude)
    assert ran.out == bare.out, ran.err
    assert "Traceback" not in ran.err
    assert ran.code in (0, 2, 3), ran.err


@pytest.mark.parametrize("place", ["/proc/no", "/dev/null/record", "file/record", "file"])
def test_a_place_that_cannot_be_written(zygote: Zygote, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("in the way")
    ran = zygote.watch(tmp_path, TRAIN, "--record", place)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("gradcheck: cannot write the record ")
    assert ran.err.count("\n") == 1


def test_a_script_that_changes_its_directory(zygote: Zygote, tmp_path: Path) -> None:
    write(tmp_path, "import os\nos.makedirs('deep', exist_ok=True)\nos.chdir('deep')\n" + TRAIN)
    source = (tmp_path / "train.py").read_text()
    ran = zygote.watch(tmp_path, source, "--record", "own")
    assert ran.code == 0, ran.err
    assert len(scalars(tmp_path / "own")["loss"]) == 30


def test_without_steps_there_is_no_record(tmp_path: Path) -> None:
    write(tmp_path, "import torch\nprint(1)\n")
    done = python("-m", "gradcheck", "watch", "train.py", cwd=tmp_path)
    assert done.returncode == 3
    assert list(tmp_path.glob(".gradcheck/*")) == []


# ---- the record itself


def test_every_number(tmp_path: Path) -> None:
    kept = Record(tmp_path / "run")
    values = [0.0, -1.5, 1e-30, math.inf, -math.inf, math.nan, 1e38]
    for step, value in enumerate(values):
        kept.row(step, {"loss": value, "grad_norm": 1.0})
    kept.close()
    found = [value for _, value in scalars(tmp_path / "run")["loss"]]
    for value, read in zip(values, found, strict=True):
        assert read == pytest.approx(value, rel=1e-6, nan_ok=True)


def test_a_number_that_single_precision_cannot_hold(tmp_path: Path) -> None:
    kept = Record(tmp_path / "run")
    kept.row(0, {"loss": 1e300})
    kept.row(1, {"loss": 2.0})
    kept.close()
    assert [value for _, value in scalars(tmp_path / "run")["loss"]] == [math.inf, 2.0]


def test_closing_twice(tmp_path: Path) -> None:
    kept = Record(tmp_path / "run")
    kept.row(0, {"loss": 1.0})
    kept.close()
    kept.flush()
    kept.close()
    assert len(scalars(tmp_path / "run")["loss"]) == 1


def test_directories_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = []
    for name in ("train", "train", "../../etc/passwd", "", "ä b\n"):
        place = record.choose_directory(None, name)
        place.mkdir(parents=True)
        found.append(place)
    assert len(set(found)) == len(found)
    assert all(place.parent == Path(".gradcheck") for place in found)
    assert record.choose_directory(tmp_path / "x", "train") == tmp_path / "x"


def test_the_record_of_an_analysis_in_a_process_of_its_own(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, TRAIN)
    done = python("-m", "gradcheck", "analyze", ran.record, "--format", "json", cwd=tmp_path)
    assert done.returncode == 0
    assert '"healthy"' in done.stdout
    assert isinstance(ran, Ran)
