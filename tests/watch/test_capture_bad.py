"""A capture that does not fit the script, or is damaged, is refused in one clear line."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.watch.running import Zygote

SCRIPT = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
inputs = torch.randn(60, 4)
inputs[33] = float("nan")
data = TensorDataset(inputs, torch.randn(60, 1))
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 10)
for x, y in DataLoader(data, batch_size=6, shuffle=True):
    loss = (model(x) - y).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
print("done")
"""


@pytest.fixture(scope="module")
def saved(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("captured")
    ran = zygote.watch(folder, SCRIPT, "--capture=saved", "--no-replay")
    assert (folder / "saved" / "capture.json").is_file(), ran.err
    return folder / "saved"


def refused(zygote: Zygote, folder: Path, capture: Path, source: str = SCRIPT) -> str:
    """The only line on stderr."""
    ran = zygote.watch(folder, source, "--no-replay", "--from", str(capture))
    assert ran.code == 2, ran.err
    assert "done" not in ran.out
    (line,) = ran.err.splitlines()
    assert line.startswith("gradcheck: ")
    return line


MISFITS = {
    "has shape [8, 4], the script's [9, 4]": ("8", "9"),
    "its optimizers are Adam, the script's AdamW": ("optim.Adam(", "optim.AdamW("),
    "its schedules are StepLR, the script's ConstantLR": (
        "StepLR(optimizer, 10)", "ConstantLR(optimizer)",
    ),
    "the script's model has no 1.weight": ("nn.BatchNorm1d(8)", "nn.Tanh()"),
    "it has no 3.weight": ("nn.Linear(8, 1))", "nn.Linear(8, 1), nn.Linear(1, 1))"),
    "has dtype torch.float32, the script's torch.float64": (
        "optimizer =", "model.double()\noptimizer =",
    ),
    "parameter groups of [6] parameters, the script's of [5]": (
        "Adam(model.parameters()", "Adam(list(model.parameters())[1:]",
    ),
    "its batch has 2 parts, that of the script's loader 1": (
        ", torch.randn(60, 1))", ")",
    ),
    "no loader like that of the capture (TensorDataset by RandomSampler)": (
        "shuffle=True", "shuffle=False",
    ),
}  # fmt: skip


@pytest.mark.parametrize("said", sorted(MISFITS))
def test_a_script_that_it_does_not_fit(
    zygote: Zygote, tmp_path: Path, saved: Path, said: str
) -> None:
    line = refused(zygote, tmp_path, saved, SCRIPT.replace(*MISFITS[said]))
    assert f"the capture does not fit the script: {said}" in line or said in line


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def text(content: str) -> Callable[[Path], None]:
    return lambda folder: _keep((folder / "capture.json").write_text(content, "utf-8"))


def tensors(content: bytes) -> Callable[[Path], None]:
    return lambda folder: _keep((folder / "tensors.safetensors").write_bytes(content))


def entry(*path: str | int, value: object) -> Callable[[Path], None]:
    """Another value somewhere in the description."""

    def change(folder: Path) -> None:
        file = folder / "capture.json"
        found = json.loads(file.read_text("utf-8"))
        held = found
        for name in path[:-1]:
            held = held[name]
        held[path[-1]] = value
        file.write_text(json.dumps(found), "utf-8")

    return change


def _keep(_: object) -> None:
    """A result that nobody needs."""


def cut(folder: Path) -> None:
    file = folder / "tensors.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "no description": (without("capture.json"), "there is no such file; --from takes a directory"),
    "no tensors": (without("tensors.safetensors"), "tensors.safetensors: there is no such file"),
    "no JSON": (text("{"), "it is not JSON"),
    "no UTF-8": (lambda f: _keep((f / "capture.json").write_bytes(b"\xff\xfe{}")), "is not JSON"),
    "nested": (text("[" * 200_000), "nested too deeply"),
    "another thing": (text("[1, 2]"), "is no description of a capture"),
    "another version": (entry("version", value=99), "has version 99 of the format"),
    "long version": (entry("version", value="x\x1b[31m" * 99), "of the format"),
    "half of the tensors": (cut, "it is damaged"),
    "huge header": (tensors(struct.pack("<Q", 1 << 62) + b"{}"), "it is damaged"),
    "large header": (tensors(struct.pack("<Q", 90 << 20) + b"{" * 1000), "it is damaged"),
    "a pickle": (tensors(b"\x80\x04cos\nsystem\n(S'touch owned'\ntR."), "it is damaged"),
    "no state": (entry("state", value=None), "a part is missing or damaged"),
    "moment": (entry("moment", value="later"), "unknown moment"),
    "no batch": (entry("batches", value=[]), "it holds no batch"),
    "kind": (entry("batches", 0, "batch", value={"call": "os.system"}), "unknown kind of value"),
    "no tensor": (entry("batches", 0, "batch", value={"tensor": "t99999"}), "no tensor 't99999'"),
    "shape": (
        entry(
            "batches", 0, "batch", value={"tensor": "t0", "as": "complex128", "shape": [1 << 60]}
        ),
        "a value of kind 'tensor' is damaged",
    ),
    "type": (
        entry("batches", 0, "batch", value={"tensor": "t0", "as": "load", "shape": []}),
        "unknown type 'load'",
    ),
    "object array": (
        entry("batches", 0, "batch", value={"array": "t0", "dtype": "|O8", "shape": [1]}),
        "unknown type",
    ),
    "random": (
        entry("state", "random", value={"dict": [["torch", 5]]}),
        "random numbers is damaged",
    ),
    "deep value": (entry("batches", 0, "batch", value=json.loads("[" * 900 + "]" * 900)), "deeply"),
    "optimizer": (entry("state", "optimizers", 0, "state", value=[]), "a state is missing"),
    "step": (entry("step", value=-4), "'-4' is no count"),
    "trail": (entry("trail", value=[[1, "zz", "1", "1"]]), "a part is missing or damaged"),
}


@pytest.mark.parametrize("kind", sorted(DAMAGES))
def test_damage_is_told_before_the_script_starts(
    zygote: Zygote, tmp_path: Path, saved: Path, kind: str
) -> None:
    damage, said = DAMAGES[kind]
    copy = tmp_path / "copy"
    shutil.copytree(saved, copy)
    damage(copy)
    line = refused(zygote, tmp_path, copy, 'print("done")')
    assert said in line
    assert "\x1b" not in line
    assert not (tmp_path / "owned").exists()


def test_places_that_are_no_capture(zygote: Zygote, tmp_path: Path, saved: Path) -> None:
    assert "there is no such file" in refused(zygote, tmp_path, tmp_path / "nowhere")
    file = tmp_path / "file"
    file.write_text("x")
    assert "is no directory" in refused(zygote, tmp_path / "other", file)


def test_a_directory_of_the_users_is_not_replaced(zygote: Zygote, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "thesis.tex").write_text("x")
    ran = zygote.watch(tmp_path, SCRIPT, "--capture=own", "--no-replay")
    assert ran.code == 2
    assert "own: is there already, and is no capture" in ran.err
    assert [entry.name for entry in own.iterdir()] == ["thesis.tex"]


def test_an_older_capture_is_replaced_as_a_whole(
    zygote: Zygote, tmp_path: Path, saved: Path
) -> None:
    shutil.copytree(saved, tmp_path / "saved")
    (tmp_path / "saved" / "capture.json").write_text("old")
    ran = zygote.watch(tmp_path, SCRIPT, "--capture=saved", "--no-replay")
    assert "the failing step is in saved" in ran.err
    assert json.loads((tmp_path / "saved" / "capture.json").read_text("utf-8"))["version"] == 1
    assert not [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")]


def test_settings_that_the_optimizer_cannot_have(
    zygote: Zygote, tmp_path: Path, saved: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(saved, copy)
    found = json.loads((copy / "capture.json").read_text("utf-8"))
    groups = dict(found["state"]["optimizers"][0]["state"]["dict"])["param_groups"]
    next(pair for pair in groups[0]["dict"] if pair[0] == "betas")[1] = "high" * 500
    (copy / "capture.json").write_text(json.dumps(found), "utf-8")
    assert "the betas of its Adam is a str" in refused(zygote, tmp_path, copy)


def test_state_that_the_optimizer_cannot_hold(zygote: Zygote, tmp_path: Path, saved: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(saved, copy)
    found = json.loads((copy / "capture.json").read_text("utf-8"))
    state = dict(found["state"]["optimizers"][0]["state"]["dict"])["state"]["dict"]
    moments = dict(state[0][1]["dict"])
    first = next(pair for pair in state[0][1]["dict"] if pair[0] == "exp_avg")
    first[1] = moments["step"]
    (copy / "capture.json").write_text(json.dumps(found), "utf-8")
    assert "the exp_avg of its Adam has shape []" in refused(zygote, tmp_path, copy)
