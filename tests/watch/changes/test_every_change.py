"""Every change keeps away the failure that it is made for; others have nothing to do, or fail."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gradcheck.watch.changes import catalogue
from tests.watch.running import Ran, Zygote

HEAD = """
import math
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset
torch.manual_seed(0)
"""


@dataclass(frozen=True)
class Case:
    """A script that fails, and what is not its repair."""

    source: str
    idle: tuple[str, ...] = ()
    """Changes that have nothing to change in it."""
    failing: tuple[str, ...] = ()
    """Changes that act, and do not keep the failure away."""
    outcome: str = "prevented"


def loop(loss: str, *, model: str = "nn.Linear(4, 1)", optimizer: str = "SGD", **more: Any) -> str:
    """A short script with batches of its own; `loss` sees x, y, out and step."""
    rate, before = more.get("rate", 0.01), more.get("before", "")
    return f"""
{HEAD}
{textwrap.dedent(before)}
model = {model}
opt = torch.optim.{optimizer}(model.parameters(), lr={rate})
for step in range({more.get("steps", 45)}):
    x, y = torch.randn(8, 4), torch.randn(8, 1)
{textwrap.indent(textwrap.dedent(more.get("batch", "")), "    ")}
    out = model(x)
{textwrap.indent(textwrap.dedent(loss), "    ")}
    opt.zero_grad()
    loss.backward()
    opt.step()
"""


def weight(*, begin: float, loss: str, limit: str, optimizer: str, clear: str = "") -> str:
    """One weight that runs over a cliff where the logarithm of what is left is undefined."""
    return f"""
{HEAD}
w = nn.Parameter(torch.full((3,), {begin}))
opt = torch.optim.{optimizer}
for step in range(60):
    {clear or "opt.zero_grad()"}
    loss = {loss} + 0.0 * torch.log({limit}).sum()
    loss.backward()
    opt.step()
"""


def script(source: str) -> str:
    """With what every script imports."""
    return HEAD + textwrap.dedent(source)


STEEP = "(w ** 2).sum()"
CASES = {
    "guard_log": Case(
        loop("loss = -(out.sigmoid() * (step != 30)).log().mean()"),
        idle=("guard_sqrt", "guard_exponential", "guard_softmax", "mask_targets"),
        failing=("clip_gradients",),
    ),
    "guard_sqrt": Case(
        loop(
            """
            apart = out - out.detach() if step == 12 else out - y
            loss = ((apart ** 2).sum(1) ** 0.5).mean()
            """,
        ),
        idle=("guard_log", "guard_division", "clamp_indices"),
        failing=("lower_learning_rate",),
    ),
    "guard_division": Case(
        loop(
            """
            mask = torch.zeros(8, 1) if step == 12 else (y > 0).float()
            loss = ((out - y) ** 2 * mask).sum() / mask.sum()
            """
        ),
        idle=("guard_exponential", "guard_empty_mean", "ctc_zero_infinity"),
    ),
    "guard_exponential": Case(
        loop(
            """
            far = out * 0.1 + (500 if step == 12 else 0)
            loss = exp(far).mean().log1p()
            """,
            before="from torch import exp",
        ),
        idle=("guard_softmax",),
    ),
    "guard_domain": Case(
        loop("loss = torch.acos(out.tanh() * (2 if step == 12 else 0.9)).mean()"),
        idle=("guard_log", "guard_sqrt", "jitter_decomposition"),
    ),
    "guard_softmax": Case(
        script("""
        attention = nn.MultiheadAttention(8, 2, batch_first=True)
        head = nn.Linear(8, 1)
        opt = torch.optim.Adam([*attention.parameters(), *head.parameters()], lr=0.001)
        for step in range(40):
            x = torch.randn(4, 5, 8)
            padded = torch.zeros(4, 5, dtype=torch.bool)
            padded[:, 3:] = True
            if step == 12:
                padded[2] = True
            mixed, _ = attention(x, x, x, key_padding_mask=padded)
            loss = head(mixed).square().mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
        """),
        idle=("guard_empty_mean", "guard_division"),
    ),
    "guard_empty_mean": Case(
        loop(
            """
            classes = torch.full((8,), -100) if step == 12 else torch.randint(3, (8,))
            loss = nn.CrossEntropyLoss()(out, classes)
            """,
            model="nn.Linear(4, 3)",
        ),
        idle=("clamp_indices", "mask_targets"),
    ),
    "clamp_indices": Case(
        script("""
        model = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(12, 1))
        opt = torch.optim.AdamW(model.parameters())
        for step in range(40):
            ids = torch.randint(10, (8, 3))
            if step == 12:
                ids[2, 1] = 10
            loss = (model(ids) ** 2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
        """),
        idle=("guard_log",),
        failing=("lower_learning_rate",),
    ),
    "mask_targets": Case(
        script("""
        model = nn.Linear(4, 1)
        opt = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=2)
        for step in range(30):
            x, y = torch.randn(8, 4), torch.randn(8, 1)
            if step == 12:
                y[3] = math.nan
            def closure():
                opt.zero_grad()
                loss = F.mse_loss(model(x), y)
                loss.backward()
                return loss
            opt.step(closure)
        """),
        idle=("guard_empty_mean", "replace_nonfinite_inputs"),
    ),
    "replace_nonfinite_inputs": Case(
        loop("loss = F.mse_loss(out, y)", batch="if step == 12: x[2, 1] = math.inf"),
        idle=("mask_targets", "without_samples", "guard_division"),
        failing=("freeze_weights",),
    ),
    "without_samples": Case(
        script("""
        data = TensorDataset(torch.randn(96, 4), torch.randn(96, 1))
        data.tensors[0][77, 1] = math.nan
        model = nn.Linear(4, 1)
        opt = torch.optim.SGD(model.parameters(), lr=0.01)
        for epoch in range(4):
            for x, y in DataLoader(data, batch_size=8, shuffle=True, num_workers=2):
                loss = F.mse_loss(model(x), y)
                opt.zero_grad()
                loss.backward()
                opt.step()
        """),
        idle=("guard_log", "drop_small_batches"),
        failing=("lower_learning_rate",),
    ),
    "skip_batch": Case(
        loop("loss = F.mse_loss(out, y)", batch="if step == 12: y[2] = math.nan"),
    ),
    "skip_nonfinite": Case(
        script("""
        class Stream(IterableDataset):
            def __iter__(self):
                for at in range(400):
                    yield torch.randn(4), torch.full((1,), math.nan if at in (100, 164) else 0.0)
        model = nn.Linear(4, 1)
        opt = torch.optim.Adam(model.parameters())
        for x, y in DataLoader(Stream(), batch_size=8):
            loss = F.l1_loss(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        """),
        idle=("drop_small_batches",),
    ),
    "clip_gradients": Case(
        weight(begin=1.0, loss=f"{STEEP} * (1e4 if step == 12 else 1)", limit="50 - w.abs()",
               optimizer="SGD([w], lr=0.01)"),
        idle=("hold_scalars", "average_accumulated", "raise_epsilon", "lower_beta2"),
    ),
    "lower_learning_rate": Case(
        weight(begin=1.0, loss=STEEP, limit="50 - w.abs()", optimizer="SGD([w], lr=1.2)"),
        idle=("clamp_indices", "float32"),
    ),
    "freeze_weights": Case(
        weight(begin=1.0, loss=STEEP, limit="50 - w.abs()", optimizer="SGD([w], lr=1.2)"),
    ),
    "skip_onset": Case(
        script("""
        w = nn.Parameter(torch.zeros(1))
        opt = torch.optim.SGD([w], lr=0.01)
        for step in range(60):
            target = 100.0 if step == 24 else 1 + torch.rand(())
            loss = (w - target).abs() ** 3
            opt.zero_grad()
            loss.backward()
            opt.step()
        """),
    ),
    "earlier_weights": Case(
        script("""
        w = nn.Parameter(torch.zeros(1))
        opt = torch.optim.SGD([w], lr=0.1)
        for step in range(110):
            loss = 0.5 * (w - 1) ** 2 + 0.01 * torch.rand(())
            opt.zero_grad()
            loss.backward()
            opt.step()
            if step in (59, 63):
                opt.param_groups[0]["lr"] = 12.0 if step == 59 else 0.5
        """),
    ),
    "raise_learning_rate": Case(
        script("""
        model = nn.Linear(4, 1)
        opt = torch.optim.SGD(model.parameters(), lr=3.7e-5)
        x = torch.randn(64, 4)
        y = x.sum(1, keepdim=True)
        for step in range(120):
            loss = F.mse_loss(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        """),
        failing=("lower_learning_rate",),
    ),
    "hold_learning_rate": Case(
        script("""
        model = nn.Linear(4, 1)
        opt = torch.optim.SGD(model.parameters(), lr=0.01)
        schedule = torch.optim.lr_scheduler.LambdaLR(opt, lambda at: 1 if at < 30 else 1e4)
        for step in range(60):
            x = torch.randn(8, 4)
            loss = F.mse_loss(model(x), x.sum(1, keepdim=True))
            opt.zero_grad()
            loss.backward()
            opt.step()
            schedule.step()
        """),
        idle=("average_accumulated",),
    ),
    "zero_gradients": Case(
        weight(begin=-2.0, loss=STEEP, limit="1 - w", optimizer="SGD([w], lr=0.01)", clear="pass"),
        idle=("average_accumulated",),
    ),
    "reverse_gradient": Case(
        weight(begin=1.0, loss=STEEP, limit="50 - w.abs()",
               optimizer="SGD([w], lr=0.1, maximize=True)"),
        failing=("zero_gradients",),
    ),
    "average_accumulated": Case(
        script("""
        w = nn.Parameter(torch.ones(3))
        opt = torch.optim.SGD([w], lr=0.2)
        for step in range(60):
            opt.zero_grad()
            for _ in range(8):
                loss = (w ** 2).sum() + 0.0 * torch.log(100 - w.abs()).sum()
                loss.backward()
            opt.step()
        """),
        idle=("hold_learning_rate",),
    ),
    "hold_scalars": Case(
        script("""
        scale = nn.Parameter(torch.tensor(1.0))
        opt = torch.optim.SGD([scale], lr=0.5)
        for step in range(60):
            loss = 30 - scale + 0.0 * torch.log(8 - scale)
            opt.zero_grad()
            loss.backward()
            opt.step()
        """),
    ),
    "lower_beta2": Case(
        weight(begin=0.0, loss="-(w * (1.0 if 50 < step < 53 else 1e-4)).sum()", limit="0.06 - w",
               optimizer="Adam([w], lr=0.001, betas=(0.0, 0.999))").replace("60", "90"),
        failing=("zero_gradients",),
    ),
    "raise_epsilon": Case(
        weight(begin=0.0, loss="10 - (w * 1e-6).sum()", limit="0.12 - w",
               optimizer="Adam([w], lr=0.01)"),
        idle=("hold_scalars",),
    ),
    "scale_inputs": Case(
        loop("loss = F.mse_loss(out, y)", batch="x = x * 100 + 500", rate=0.01),
        idle=("replace_nonfinite_inputs",),
    ),
    "default_initialization": Case(
        script("""
        model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
        with torch.no_grad():
            for p in model.parameters():
                p.mul_(300)
        opt = torch.optim.SGD(model.parameters(), lr=0.01)
        for step in range(45):
            x, y = torch.randn(8, 4), torch.randn(8, 1)
            loss = F.mse_loss(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        """),
        idle=("float32",),
    ),
    "unscale_first": Case(
        script("""
        model = nn.Linear(4, 1)
        opt = torch.optim.SGD(model.parameters(), lr=0.1)
        scaler = torch.amp.GradScaler("cpu", init_scale=65536.0)
        for step in range(150):
            x = torch.randn(16, 4)
            loss = F.mse_loss(model(x), x.sum(1, keepdim=True))
            opt.zero_grad()
            scaler.scale(loss).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(opt)
            scaler.update()
        """),
        failing=("lower_learning_rate",),
    ),
    "drop_small_batches": Case(
        script("""
        data = TensorDataset(torch.randn(81, 4), torch.randn(81, 1))
        model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        opt = torch.optim.SGD(model.parameters(), lr=0.01)
        for epoch in range(4):
            for x, y in DataLoader(data, batch_size=8):
                loss = F.mse_loss(model(x), y)
                opt.zero_grad()
                loss.backward()
                opt.step()
        """),
        idle=("without_samples", "repair_buffers"),
    ),
    "repair_buffers": Case(
        script("""
        model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        opt = torch.optim.SGD(model.parameters(), lr=0.01)
        for step in range(50):
            x = torch.randn(8, 4)
            if step == 12:
                model[1].running_var[2] = math.nan
            model.train(step < 20)
            loss = model(x).square().mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
        """),
        idle=("replace_nonfinite_inputs",),
    ),
    "float32": Case(
        script("""
        model = nn.Linear(4, 1)
        opt = torch.optim.SGD(model.parameters(), lr=1e-20)
        for step in range(45):
            x, y = torch.randn(8, 4), torch.randn(8, 1)
            with torch.autocast("cpu", torch.float16):
                out = model(x) * (5e5 if step == 12 else 1)
            loss = F.mse_loss(out.float(), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        """),
        idle=("guard_exponential",),
    ),
    "jitter_decomposition": Case(
        loop(
            """
            spread = torch.eye(3) * out.mean() if step == 12 else out[:3] @ out[:3].T
            values, vectors = torch.linalg.eigh(spread + torch.eye(3))
            loss = (vectors[0] * vectors[1].abs()).sum() + out.square().mean()
            """
        ).replace("out[:3] @ out[:3].T", "torch.diag(torch.tensor([1.0, 2.0, 3.0])) * out.mean()"),
        idle=("guard_domain",),
    ),
    "ctc_zero_infinity": Case(
        loop(
            """
            scores = out.reshape(4, 2, 5).log_softmax(-1)
            long = 4 if step == 12 else 2
            targets = torch.arange(1, long + 1).repeat(2, 1)
            targets[:, 1:long:2] = 1
            lengths = torch.full((2,), 4), torch.full((2,), long)
            loss = F.ctc_loss(scores, targets, *lengths)
            """,
            model="nn.Linear(4, 5)",
        ),
        idle=("guard_log", "guard_softmax"),
    ),
}  # fmt: skip


def tried(zygote: Zygote, folder: Path, source: str, *changes: str) -> Ran:
    """Run a script with these trials, whatever the diagnosis would suggest."""
    chosen = f"""
        from gradcheck.watch.replay import plan
        plan.choose = lambda *args, **kwargs: {list(changes)}
    """
    return zygote.watch(folder, textwrap.dedent(source), "--replay", prelude=chosen)


def replay_of(ran: Ran) -> dict[str, Any]:
    """What was written of the replays into the record."""
    found = [line["replay"] for line in ran.lines if "replay" in line]
    assert found, ran.err
    assert isinstance(found[-1], dict)
    return found[-1]


def test_every_change_has_a_case() -> None:
    assert sorted(CASES) == sorted(catalogue.changes())


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_change_keeps_its_failure_away(zygote: Zygote, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    ran = tried(zygote, tmp_path, case.source, name, *case.idle, *case.failing)
    assert "switched off" not in ran.err
    replay = replay_of(ran)
    assert replay["reproduced"] is True
    assert replay["bit_exact"] is True
    outcomes = {one["change"]: one["trial"]["outcome"] for one in replay["tried"]}
    assert outcomes == {name: case.outcome, **dict.fromkeys(case.failing, "not_prevented")}
    assert replay["idle"] == list(case.idle)
    best = replay["tried"][0]
    assert best["healthy"] is (case.outcome == "prevented")
    assert best["trial"]["steps"] >= (15 if best["healthy"] else 1)
