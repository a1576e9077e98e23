"""What is blamed for a failing step: one small script for each fault, its culprit line marked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.watch.running import Ran, Zygote, python, write

HERE = "# <- here"
HEAD = """
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset, TensorDataset, random_split

torch.manual_seed(0)
"""
LOOP = """
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(8):
    x, y = torch.randn(6, 4), torch.randn(6, 1)
    loss = loss_of(model, x, y, step)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
FEED = """
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for x, y in loader:
    loss = F.mse_loss(model(x), y)  # <- here
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
DATA = """
model = nn.Linear(4, 1)
data, target = torch.randn(48, 4), torch.randn(48, 1)
"""


@dataclass(frozen=True)
class Fault:
    """A script, and what is to be found in it."""

    source: str
    key: str
    phase: str | None = None
    op: str | None = None
    samples: tuple[int, ...] | None = None
    cause: str | None = None


def looped(body: str, model: str = "nn.Linear(4, 1)") -> str:
    """A script whose loss, at step 3, is the fault; `body` computes it from x, y, p and fails."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    function = "def loss_of(model, x, y, step):\n    p, bad = model(x), step == 3\n" + lines
    return f"{HEAD}\nmodel = {model}\n{function}\n{LOOP}"


def fed(body: str, loader: str) -> str:
    """A script that reads the data which `body` has damaged from a loader."""
    return f"{HEAD}{DATA}{body}\nloader = {loader}\n{FEED}"


ZEROED = "zero = 0.0 if bad else 1.0\n"
SHUFFLED = "DataLoader(TensorDataset(data, target), batch_size=8, shuffle=True)"
OPERATIONS = {
    "log_of_zero": Fault(
        looped(f"q = p.abs() + 0.1\n{ZEROED}return -torch.log(q * zero).mean()  {HERE}"),
        "log_of_zero_ran", "loss", "aten::log", cause="log_of_zero",
    ),
    "zero_by_zero": Fault(
        looped(f"{ZEROED}return (p * zero / (p * zero)).mean()  {HERE}"),
        "division_by_zero_ran", "loss", "aten::div", cause="division_by_zero",
    ),
    "something_by_zero": Fault(
        looped(f"{ZEROED}d = p.detach() * zero\nreturn (p.exp() / d).mean()  {HERE}"),
        "division_by_zero_ran", "loss", "aten::div",
    ),
    "division_in_forward": Fault(
        looped(f"{ZEROED}n = x / (x.norm(dim=1, keepdim=True) * zero)  {HERE}\n"
               "return F.mse_loss(model(n), y)"),
        "division_by_zero_ran", "forward", "aten::div",
    ),
    "root_at_zero": Fault(
        looped(f"{ZEROED}d = (p - y).pow(2) * zero\nreturn d.sqrt().mean()  {HERE}"),
        "gradient_undefined", "backward", cause="undefined_gradient",
    ),
    "where_trap": Fault(
        looped(f"{ZEROED}q = p.abs() * zero\ns = torch.sqrt(q)  {HERE}\n"
               "return torch.where(q > 0, s, p).mean()"),
        "gradient_undefined", "backward",
    ),
    "norm_by_hand": Fault(
        looped(f"{ZEROED}d = (p - y) * zero\nreturn (d * d).sum(1).sqrt().mean()  {HERE}"),
        "gradient_undefined", "backward",
    ),
    "acos": Fault(
        looped(f"c = torch.tanh(p) + (2.0 if bad else 0.0)\nc = c if bad else c * 0.9\n"
               f"return torch.acos(c).mean()  {HERE}"),
        "argument_left_domain", "loss", "aten::acos", cause="argument_out_of_domain",
    ),
    "acos_at_one": Fault(
        looped(f"c = torch.tanh(p) * 0.9\nc = c * 0 + 1 if bad else c\n"
               f"return torch.acos(c).mean()  {HERE}"),
        "gradient_undefined", "backward",
    ),
    "log_of_negative": Fault(
        looped(f"q = p.abs() + 1 - (9 if bad else 0)\nreturn torch.log(q).mean()  {HERE}"),
        "argument_left_domain", "loss", "aten::log",
    ),
    "exp_overflow": Fault(
        looped(f"return torch.exp(p + (200 if bad else 0)).mean()  {HERE}"),
        "exponential_overflowed", "loss", "aten::exp", cause="exponential_overflow",
    ),
    "power_of_negative": Fault(
        looped(f"q = p.abs() + 1 - (9 if bad else 0)\nreturn (q ** 1.5).mean()  {HERE}"),
        "argument_left_domain", "loss", "aten::pow",
    ),
    "masked_softmax": Fault(
        looped("scores = p @ p.T\nmask = torch.ones(6, 6).tril().bool()\n"
               "mask[2] = mask[2] & (not bad)\n"
               "scores = scores.masked_fill(~mask, float('-inf'))\n"
               f"return torch.softmax(scores, -1).pow(2).mean()  {HERE}"),
        "softmax_row_masked", "loss", "aten::_softmax", cause="fully_masked_softmax",
    ),
    "of_targets_behind_the_model": Fault(
        looped(f"a = torch.tanh(y)\na = a.sign() if bad else a\n"
               f"return F.mse_loss(p, torch.atanh(a))  {HERE}"),
        "argument_left_domain", "loss", "aten::atanh", cause="argument_out_of_domain",
    ),
    "a_schedule_at_a_random_step": Fault(
        f"""{HEAD}{DATA}
kept = torch.linspace(0.1, 1, 9)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step, (x, y) in enumerate({SHUFFLED}):
    share = kept[torch.randint(1, 9, (len(x),))] * (step != 3)
    error = (model(x) - y).pow(2).mean(1)
    weight = share.clamp(max=0.5) / share  {HERE}
    loss = (weight * error).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
        "division_by_zero_ran", "loss", "aten::div", cause="division_by_zero",
    ),
    "innocent_mask": Fault(
        looped("scores = (p @ p.T).masked_fill(torch.ones(6, 6).triu(1).bool(), float('-inf'))\n"
               "weights = torch.softmax(scores, -1)\n"
               f"{ZEROED}return torch.log((weights @ p).abs() * zero).mean()  {HERE}"),
        "log_of_zero_ran", "loss", "aten::log",
    ),
    "all_ignored": Fault(
        looped("t = torch.full((6,), -100) if bad else torch.randint(3, (6,))\n"
               f"return F.cross_entropy(p, t)  {HERE}", "nn.Linear(4, 3)"),
        "no_target_counted", "loss", cause="empty_targets",
    ),
    "mean_of_nothing": Fault(
        looped("e = (p - y) ** 2\nkept = e[e < (-1 if bad else 1e9)]\n"
               f"return kept.mean()  {HERE}"),
        "no_target_counted", "loss", "aten::mean", cause="empty_targets",
    ),
    "deviation_of_one": Fault(
        looped(f"s = p[:1] if bad else p\nreturn s.std() + F.mse_loss(p, y)  {HERE}"),
        "division_by_zero_ran", "loss", "aten::std",
    ),
    "deviation_of_the_last_batch": Fault(
        f"""{HEAD}{DATA}
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for x, y in DataLoader(TensorDataset(data[:25], target[:25]), batch_size=8):
    p = model(x)
    z = (p - p.mean()) / p.std()  {HERE}
    loss = F.mse_loss(z, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
        "statistic_of_one", "loss", cause="partial_last_batch",
    ),
    "an_action_at_its_bound_between_two_heads": Fault(
        looped("a = torch.tanh(y)\na = a.sign() if bad else a\n"
               f"score = p - torch.log(1 - a * a)  {HERE}\n"
               "return (score + model(x + 1)).pow(2).mean()"),
        "log_of_zero_ran", "loss", "aten::log", cause="log_of_zero",
    ),
    "a_norm_before_the_model": Fault(
        looped(f"{ZEROED}n = x / (x * zero).norm(dim=1, keepdim=True)  {HERE}\n"
               "return F.mse_loss(model(n), y)"),
        "division_by_zero_ran", "forward", "aten::div",
    ),
    "half_overflow": Fault(
        looped("with torch.autocast('cpu', torch.float16):\n"
               f"    q = model(x * (1e5 if bad else 1))  {HERE}\n"
               "return F.mse_loss(q.float(), y)"),
        "half_overflowed", "forward", cause="half_precision_overflow",
    ),
    "half_overflow_in_model": Fault(
        looped("with torch.autocast('cpu', torch.float16):\n"
               f"    q = model[1](model[0](x) * (3e5 if bad else 1))  {HERE}\n"
               "return F.mse_loss(q.float(), y)",
               "nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 1))"),
        "half_overflowed", "forward", cause="half_precision_overflow",
    ),
    "half_overflow_in_backward": Fault(
        looped("with torch.autocast('cpu', torch.float16):\n"
               f"    q = model[1](model[0](x) * (3e4 if bad else 1))  {HERE}\n"
               "return F.mse_loss(q.float(), y)",
               "nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 1))"),
        "half_gradient_overflowed", "backward",
    ),
}  # fmt: skip
OF_DATA = {
    "shuffled_input": Fault(
        fed("data[17, 2] = float('nan')", SHUFFLED),
        "input_nonfinite", "input", samples=(17,), cause="nonfinite_input",
    ),
    "shuffled_target": Fault(
        fed("target[5] = float('inf')", SHUFFLED),
        "target_nonfinite", "target", samples=(5,), cause="nonfinite_target",
    ),
    "two_workers": Fault(
        fed("data[31] = float('nan')", SHUFFLED[:-1] + ", num_workers=2)"),
        "input_nonfinite", "input", samples=(31,),
    ),
    "random_split": Fault(
        fed("data[9, 0] = float('-inf')\n"
            "most, few = random_split(TensorDataset(data, target), [47, 1])\n"
            "assert 9 in most.indices", "DataLoader(most, batch_size=8)"),
        "input_nonfinite", "input", samples=(9,),
    ),
    "stream": Fault(
        fed("""
class Stream(IterableDataset):
    def __iter__(self):
        for at in range(48):
            yield data[at] if at != 21 else data[at] / 0, target[at]
""", "DataLoader(Stream(), batch_size=8)"),
        "input_nonfinite", "input", samples=(21,),
    ),
    "slices_of_a_permutation": Fault(
        fed("data[13, 1] = float('nan')\norder = torch.randperm(48)",
            "((data[order[a:a + 8]], target[order[a:a + 8]]) for a in range(0, 48, 8))"),
        "input_nonfinite", "input", samples=(13,),
    ),
    "indexed_by_numpy": Fault(
        fed("""
import numpy as np
table = data.numpy().copy()
table[29, 3] = np.nan
order = np.random.default_rng(0).permutation(48)
picks = [order[a:a + 8] for a in range(0, 48, 8)]
""", "((torch.from_numpy(table[pick]), target[pick]) for pick in picks)"),
        "input_nonfinite", "input", samples=(29,),
    ),
}  # fmt: skip
STATE = {
    "weight_of_a_checkpoint": Fault(
        looped("return F.mse_loss(p, y)").replace(
            "optimizer = ",
            "state = model.state_dict()\nstate['weight'][0, 2] = float('nan')\n"
            "torch.save(state, 'model.pt')\nmodel.load_state_dict(torch.load('model.pt'))\n"
            "optimizer = ",
        ),
        "weight_nonfinite", "state", cause="nonfinite_from_the_start",
    ),
    "weight_in_mid_run": Fault(
        looped("if bad:\n    with torch.no_grad():\n        model.weight[0, 1] = float('nan')\n"
               "return F.mse_loss(model(x), y)"),
        "weight_nonfinite", "state", cause="corrupted_weights",
    ),
    "buffer": Fault(
        looped(
            "if bad:\n    model[1].running_var.fill_(float('nan'))\n"
            "    model.eval()\nreturn F.mse_loss(model(x), y)",
            "nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))",
        ),
        "buffer_nonfinite",
        "state",
        cause="poisoned_buffers",
    ),
    "half_adam": Fault(
        f"""{HEAD}
model = nn.Linear(4, 1).half()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(8):
    x = torch.randn(6, 4).half()
    x[:, 0] = 0
    loss = model(x).float().pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
        "half_update_nonfinite",
        None,
        cause="half_precision_optimizer",
    ),
}  # fmt: skip
CRASHES = {
    "index_in_a_bag": Fault(
        f"""{HEAD}
from random import sample, seed
seed(1)
model = nn.EmbeddingBag(10, 3)
texts = [torch.randint(10, (3 + n % 4,)) for n in range(40)]
texts[23][1] = 10
order = sample(range(40), 40)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for begin in range(0, 40, 8):
    rows = order[begin : begin + 8]
    offsets = torch.tensor([0, *(len(texts[row]) for row in rows[:-1])]).cumsum(0)
    loss = model(torch.cat([texts[row] for row in rows]), offsets).pow(2).mean()  # <- here
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
        "id_outside_table",
        samples=(23,),
        cause="index_out_of_range",
    ),
    "embedding": Fault(
        f"""{HEAD}
model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 1))
ids, target = torch.randint(10, (48,)), torch.randn(48, 1)
ids[19] = 10
loader = DataLoader(TensorDataset(ids, target), batch_size=8, shuffle=True)
{FEED}""",
        "id_outside_table",
        samples=(19,),
        cause="index_out_of_range",
    ),
    "target": Fault(
        f"""{HEAD}
model = nn.Linear(4, 3)
data, target = torch.randn(48, 4), torch.randint(3, (48,))
target[40] = 3
loader = DataLoader(TensorDataset(data, target), batch_size=8, shuffle=True)
{FEED}""".replace("mse_loss", "cross_entropy"),
        "target_outside_classes",
        samples=(40,),
    ),
    "one_value": Fault(
        f"""{HEAD}
model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
data, target = torch.randn(17, 4), torch.randn(17, 1)
loader = DataLoader(TensorDataset(data, target), batch_size=8)
{FEED}""",
        "one_value_to_normalise",
        cause="partial_last_batch",
    ),
}
INNOCENT = {
    "nan_removed_before_use": looped("x[:, 0] = float('nan')\n"
                                     "return F.mse_loss(model(torch.nan_to_num(x)), y)"),
    "constants_of_infinity": looped("low = torch.full_like(p, float('-inf'))\n"
                                    "return F.mse_loss(torch.maximum(p, low), y)"),
    "nan_in_evaluation": looped("with torch.no_grad():\n    F.mse_loss(model(x / 0 * 0), y)\n"
                                "return F.mse_loss(p, y)"),
    "nan_that_nobody_uses": looped("side = torch.log(-p.abs())\nreturn F.mse_loss(p, y)"),
    "causal_mask": looped("mask = torch.full((6, 6), float('-inf')).triu(1)\n"
                          "return F.mse_loss(torch.softmax(p @ p.T + mask, -1) @ p, y)"),
}  # fmt: skip


def culprit(folder: Path) -> int | None:
    """The marked line of the script."""
    lines = (folder / "train.py").read_text("utf-8").splitlines()
    return next((at for at, line in enumerate(lines, 1) if HERE in line), None)


def assert_blamed(ran: Ran, fault: Fault) -> None:
    told = f"{ran.observations}\n{ran.run['diagnoses'][:2]}\n{ran.err}"
    assert ran.code == 1, told
    found = next((seen for seen in ran.observations if seen["key"] == fault.key), None)
    assert found is not None, told
    where = found.get("where") or {}
    assert fault.phase in (None, where.get("phase")), told
    assert fault.op in (None, where.get("op")), told
    assert fault.samples is None or tuple(where.get("samples") or ()) == fault.samples, told
    line = culprit(ran.folder)
    assert line in (None, where.get("line")), told
    assert where.get("file") in (None, "train.py"), told
    assert fault.cause in (None, ran.cause), told


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation(zygote: Zygote, tmp_path: Path, name: str) -> None:
    ran = zygote.watch(tmp_path, OPERATIONS[name].source)
    assert_blamed(ran, OPERATIONS[name])
    assert ran.run["first_bad_step"] == 3
    assert ran.held


CLOSURE = """
x = torch.linspace(0, 4, 64).reshape(-1, 1)
model = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 1))
optimizer = torch.optim.LBFGS(model.parameters(), lr=1e6, max_iter=5)
def closure():
    optimizer.zero_grad()
    loss = (model(x) - x.sin()).pow(4).mean()  # <- here
    loss.backward()
    return loss
for step in range(20):
    optimizer.step(closure)
"""


def test_what_an_optimizer_runs_again_is_not_its_own_arithmetic(
    zygote: Zygote, tmp_path: Path
) -> None:
    ran = zygote.watch(tmp_path, HEAD + CLOSURE)
    assert_blamed(ran, Fault(CLOSURE, "float_overflowed"))
    assert ran.run["verdict"] == "exploding_gradients"
    assert {event["kind"] for event in ran.run["events"]} & {"step_rewind"} == set()


@pytest.mark.parametrize("name", OF_DATA)
def test_data(zygote: Zygote, tmp_path: Path, name: str) -> None:
    ran = zygote.watch(tmp_path, OF_DATA[name].source)
    assert_blamed(ran, OF_DATA[name])
    assert ran.held


@pytest.mark.parametrize("name", STATE)
def test_state(zygote: Zygote, tmp_path: Path, name: str) -> None:
    assert_blamed(zygote.watch(tmp_path, STATE[name].source), STATE[name])


SKIPPED = """
model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
data, target = torch.randn(48, 4), torch.randn(48, 1)
data[29, 1] = float('nan')
loader = DataLoader(TensorDataset(data, target), batch_size=8, shuffle=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(3):
    for x, y in loader:
        loss = F.mse_loss(model(x), y)  # <- here
        if not loss.isfinite():
            continue
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
model.eval()
print(model(data).mean())
"""


def test_a_batch_that_was_skipped_after_it_poisoned_the_buffers(
    zygote: Zygote, tmp_path: Path
) -> None:
    ran = zygote.watch(tmp_path, HEAD + SKIPPED)
    fault = Fault(SKIPPED, "buffer_nonfinite", "state", samples=(29,), cause="poisoned_buffers")
    assert_blamed(ran, fault)


@pytest.mark.parametrize("name", CRASHES)
def test_a_crash(zygote: Zygote, tmp_path: Path, name: str) -> None:
    ran = zygote.watch(tmp_path, CRASHES[name].source)
    assert_blamed(ran, CRASHES[name])
    assert "Traceback (most recent call last)" in ran.err
    assert "train.py" in ran.err
    assert "gradcheck/watch" not in ran.err


@pytest.mark.parametrize("name", INNOCENT)
def test_nothing_is_held(zygote: Zygote, tmp_path: Path, name: str) -> None:
    ran = zygote.watch(tmp_path, INNOCENT[name])
    assert ran.code == 0, ran.err
    assert not ran.held
    assert ran.keys == []
    assert ran.run["last_step"] == 7


def test_a_process_of_its_own_says_the_same(zygote: Zygote, tmp_path: Path) -> None:
    fault = OPERATIONS["log_of_zero"]
    warm = zygote.watch(tmp_path / "warm", fault.source)
    cold = tmp_path / "cold"
    write(cold, fault.source)
    done = python("-m", "gradcheck", "watch", "--record", "record", "train.py", cwd=cold)
    assert done.returncode == 1
    assert Ran(1, "", "", cold).observations == warm.observations
