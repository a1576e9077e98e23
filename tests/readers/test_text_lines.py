"""Single lines: what loggers and launchers put before them, and how numbers and names are spelt."""

from __future__ import annotations

import pytest

from gradcheck.model import Role
from tests.readers.text_logs import points, run_of

# What stands before `step=10 loss=2.5`; `{i}` counts the lines.
PREFIXES = [
    "INFO:root:",
    "INFO:my.module:",
    "2024-05-01 10:00:0{i},123 - __main__ - INFO - ",
    "[2024-05-01 10:00:0{i},123][main][INFO] - ",
    "05/01/2024 10:00:0{i} - INFO - __main__ -   ",
    "10:00:0{i} INFO train.py:123 ",
    "05-01 10:00:0{i} INFO     [train.py:12] ",
    "24/05/01 10:00:0{i} INFO ",
    "[05/01 10:00:0{i}] train INFO: ",
    "May 01 10:00:0{i} host1 python[1234]: ",
    "May  1 10:00:0{i} host1 python[1234]: ",
    "Wed May  1 10:00:0{i} 2024 ",
    "[2024-05-01 10:00:0{i}] ",
    "20240501 10:00:0{i} ",
    "1714557600.{i}23 ",
    "2024-05-01 10:00:0{i}.123 | INFO     | __main__:train:45 - ",
    "2024-05-01 10:00:0{i}.123 | SUCCESS  | my.pkg.train:main:45 - ",
    "I0501 10:00:0{i}.123456 140123456789 train.py:45] ",
    "[10:00:0{i}] INFO     ",
    "wandb: ",
    "trainer-1  | ",
    "2024-05-01T10:00:0{i}.123456789Z stdout F ",
    "2024-05-01T10:00:0{i}.123456789+00:00 ",
    "(RayTrainWorker pid=1234, ip=10.0.0.1) ",
    "\x1b[36m(train pid=1234)\x1b[0m ",
    "[rank0]: ",
    "[default0]: ",
    "0: ",
    " 3: ",
    "[1,0]<stdout>:",
    "[rank0]:2024-05-01 10:00:0{i},123 - root - INFO - ",
    "[INFO|2024-05-01 10:00:0{i}] my.train.callbacks:157 >> ",
    "2024-05-01 10:00:00.{i}\tnode0:0\tmy.train:800\tINFO\t",
    "\x1b[32mINFO\x1b[0m ",
]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_is_no_part_of_the_message(prefix: str) -> None:
    lines = [f"{prefix.format(i=i)}step={10 * i} loss={3 - i / 4}" for i in range(1, 6)]
    run = run_of("\n".join(lines))
    assert [series.name for series in run.series] == ["loss"]
    assert points(run, "loss") == [(i, 10 * i, 3 - i / 4) for i in range(1, 6)]


RANKED = [
    "{rank}: step {i} loss {loss}",
    " {rank}: step {i} loss {loss}",
    "[rank{rank}]: step {i} loss {loss}",
    "[default{rank}]:step {i} loss {loss}",
    "[1,{rank}]<stdout>:step {i} loss {loss}",
    "rank {rank} step {i} loss {loss}",
    "[Rank {rank}] step {i} loss {loss}",
    "step {i} loss {loss} rank: {rank}",
]


@pytest.mark.parametrize("line", RANKED)
def test_ranks_are_kept_apart(line: str) -> None:
    rows = [(i, rank) for i in range(6) for rank in ((0, 1, 2) if i % 2 else (2, 0, 1))]
    run = run_of("\n".join(line.format(i=i, rank=rank, loss=i + rank / 8) for i, rank in rows))
    assert {series.name for series in run.series} == {"loss", "rank 1/loss", "rank 2/loss"}
    for name, rank in (("loss", 0), ("rank 2/loss", 2)):
        lines = [place + 1 for place, row in enumerate(rows) if row[1] == rank]
        assert points(run, name) == [(lines[i], i, i + rank / 8) for i in range(6)]


NUMBERS = [
    ("0.25", 0.25),
    (".25", 0.25),
    ("-0.25", -0.25),
    ("+0.25", 0.25),
    ("1e-05", 1e-05),
    ("1.5E+03", 1500.0),
    ("1,234", 1234.0),
    ("1,234,567.5", 1234567.5),
    ("nan", "nan"),
    ("NaN", "nan"),
    ("-nan", "nan"),
    ("inf", "inf"),
    ("-inf", "-inf"),
    ("Infinity", "inf"),
    ("1.#IND", "nan"),
    ("-1.#INF", "-inf"),
    ("tensor(0.25)", 0.25),
    ("tensor(0.25, device='cuda:0', grad_fn=<NllLossBackward0>)", 0.25),
    ("tensor([0.25], device='cuda:0')", 0.25),
    ("tensor(nan)", "nan"),
    ("np.float32(0.25)", 0.25),
    ("array(0.25, dtype=float32)", 0.25),
    ("Array(0.25, dtype=float32)", 0.25),
    ("0.25±0.02", 0.25),
    ("0.25 +/- 0.02", 0.25),
    ("12.5%", 12.5),
    ("0.25 (0.31)", 0.25),
    ("[0.25]", 0.25),
    ("'0.25'", 0.25),
    ('"0.25"', 0.25),
]


@pytest.mark.parametrize(
    "join", ["loss: {}", "loss={}", "loss {}", "loss = {}, lr=0.1", "'loss': {}"]
)
@pytest.mark.parametrize(("spelt", "value"), NUMBERS)
def test_numbers(join: str, spelt: str, value: float | str) -> None:
    run = run_of("\n".join(f"step {i} {join.format(spelt)}" for i in range(3)))
    assert points(run, "loss") == [(i + 1, i, value) for i in range(3)]


# A line, and the name, step and value that it tells for i=2.
SHAPES = [
    ("Epoch [{i}/5], Loss: {v}", "Loss"),
    ("epoch {i} - loss - {v}", "loss"),
    ("epoch {i} average loss {v}", "average loss"),
    ("Epoch {i} | Train Loss {v} | Val Loss 2.5", "Train Loss"),
    ("{{'epoch': {i}, 'train': {{'loss': {v}, 'acc': 0.5}}}}", "train/loss"),
    ("{{'loss': '{v}', 'epoch': {i}}}", "loss"),
    ('2024-05-01 10:00:00 | INFO | train | {{"step": "{i}", "loss": "{v}"}}', "train/loss"),
    ("step\t{i}\tloss\t{v}", "loss"),
    ("step={i};loss={v};lr=0.1", "loss"),
    ("Step #{i}: loss {v}", "loss"),
    ("step {i} => loss => {v}", "loss"),
    ("step {i} loss -> {v}", "loss"),
    ("🚀 step {i} | 📉 loss {v}", "loss"),
    ("训练 step：{i}，loss：{v}", "loss"),
    ("Schritt: step {i} Verlust (loss: {v})", "loss"),
    ("Cost after iteration {i}: {v}", "Cost"),
    ("The loss at step {i} is {v}", "loss"),
    ("Epoch {i} (train): loss={v} (avg=2.5)", "train/loss"),
    ("[{i}]\ttrain-rmse:{v}\teval-rmse:3.5", "train-rmse"),
    ("{i}:\tlearn: {v}\ttest: 0.6\tbest: 0.5 (1)", "learn"),
    ("Iteration {i}, loss = {v}", "loss"),
    ("INFO:tensorflow:loss = {v}, step = {i} (5.2 sec)", "loss"),
    ("INFO:tensorflow:global step {i}: loss = {v} (0.5 sec/step)", "loss"),
    ("{i} / 10 | loss {v}", "loss"),
    ("[{i}%] step {i} loss {v}", "loss"),
    ("step:{i} - actor/pg_loss:{v} - critic/score/mean:0.1", "actor/pg_loss"),
    ("Epoch: {i}/10... Loss: {v}... Val Loss: 2.5", "Loss"),
    ("step {i} loss[loss={v}, over 10.00 frames.]", "loss/loss"),
    ("epoch {i} lr [0.001, 0.0001] loss {v}", "loss"),
    ("Epoch[{i}] Evaluation metric 'epoch_loss'={v}", "eval/epoch_loss"),
    ("\x1b[31mstep: {i}  \x1b[38;2;1;2;3mloss: {v}\x1b[39m", "loss"),
]


@pytest.mark.parametrize(("shape", "name"), SHAPES)
def test_shapes_of_lines(shape: str, name: str) -> None:
    run = run_of("\n".join(shape.format(i=i, v=3 - i / 4) for i in range(1, 6)))
    assert points(run, name) == [(i, i, 3 - i / 4) for i in range(1, 6)]


def test_what_is_spoken_of_nan_is_no_number() -> None:
    lines = [f"step {i} loss 2.{i} number of nan iterations: 0" for i in range(4)]
    run = run_of("\n".join(lines))
    assert points(run, "number of nan iterations") == [(i + 1, i, 0.0) for i in range(4)]


def test_an_infinity_between_names_is_a_number() -> None:
    run = run_of("\n".join(f"step {i} loss -inf grad inf scale 8" for i in range(3)))
    assert points(run, "loss") == [(i + 1, i, "-inf") for i in range(3)]
    assert points(run, "grad") == [(i + 1, i, "inf") for i in range(3)]


def test_names_of_files_are_no_measurements() -> None:
    lines = [f"epoch {i} loss 0.{i} saved epoch={i}-val_loss=0.5.ckpt" for i in range(1, 4)]
    assert [series.name for series in run_of("\n".join(lines)).series] == ["loss"]


def test_a_learning_rate_keeps_its_role_beside_a_loss() -> None:
    run = run_of("\n".join(f"val loss: 0.{i} lr: 0.1 epoch: {i}" for i in range(1, 4)))
    assert run.primary[Role.LEARNING_RATE] == "lr"
    assert run.primary[Role.VALIDATION_LOSS] == "val loss"
