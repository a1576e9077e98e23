"""A watched healthy run gives the weights and the output of the bare run, bit for bit."""

# mypy: allow-untyped-calls
from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.watch.running import Ran, Zygote

HEAD = """
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
data = TensorDataset(torch.randn(64, 4), torch.randn(64, 1))
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
"""
TAIL = """
print(repr(loss.item()), torch.rand(1).item())
torch.save(model.state_dict(), "model.pt")
"""
LOOP = """
for step in range(10):
    x, y = torch.randn(16, 4), torch.randn(16, 1)
    loss = F.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    {clip}
    optimizer.step()
"""
SGD = "optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)"
ADAM = "optimizer = torch.optim.Adam(model.parameters(), lr=0.01)"
SCRIPTS = {
    "sgd": SGD + LOOP.format(clip=""),
    "adam": ADAM + LOOP.format(clip=""),
    "clip_norm": ADAM + LOOP.format(
        clip="print(nn.utils.clip_grad_norm_((p for p in model.parameters()), 0.1).item())"),
    "clip_value": SGD + LOOP.format(
        clip="from torch.nn.utils import clip_grad_value_ as c; c(model.parameters(), 0.01)"),
    "batch_norm_and_dropout": """
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 1))
""" + ADAM + LOOP.format(clip=""),
    "scheduler_and_groups": """
optimizer = torch.optim.AdamW(
    [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[2].parameters()}], lr=0.01)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=12)
""" + LOOP.format(clip="") + "    scheduler.step()\n",
    "gan": """
other = nn.Linear(1, 1)
of_model = torch.optim.Adam(model.parameters(), lr=0.01, betas=(0.5, 0.9))
of_other = torch.optim.RMSprop(other.parameters(), lr=0.01)
for step in range(10):
    fake = model(torch.randn(16, 4))
    worse = other(fake.detach()).sigmoid().mean() - other(torch.randn(16, 1)).sigmoid().mean()
    of_other.zero_grad(); worse.backward(); of_other.step()
    loss = -other(fake).sigmoid().mean()
    of_model.zero_grad(); loss.backward(); of_model.step()
print(other.weight.item())
""",
    "accumulation": SGD + """
for step in range(12):
    loss = F.mse_loss(model(torch.randn(16, 4)), torch.randn(16, 1)) / 4
    loss.backward()
    if step % 4 == 3:
        optimizer.step()
        optimizer.zero_grad(set_to_none=step % 8 == 3)
""",
    "checkpointed": """
from torch.utils.checkpoint import checkpoint
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
weight = torch.tensor(2.0)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(20):
    loss = checkpoint(lambda x: (model(x).square() * weight).mean() * weight,
                      torch.randn(16, 4), use_reentrant=False)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(model[1].running_var.tolist())
""",
    "lbfgs": """
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, line_search_fn="strong_wolfe")
x, y = data.tensors
calls = 0
def closure():
    global calls
    calls += 1
    optimizer.zero_grad()
    loss = F.mse_loss(model(x), y)
    loss.backward()
    return loss
for step in range(4):
    loss = optimizer.step(closure)
    print(calls, loss.item())
""",
    "scaler": SGD + """
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**20, growth_interval=3)
for step in range(10):
    with torch.autocast("cpu", torch.float16):
        loss = F.mse_loss(model(torch.randn(16, 4)), torch.randn(16, 1))
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    print(scaler.get_scale())
""",
    "workers": ADAM + """
loader = DataLoader(data, batch_size=10, shuffle=True, num_workers=2)
for epoch in range(2):
    for x, y in loader:
        loss = F.mse_loss(model(x + 0.01 * torch.randn_like(x)), y)
        optimizer.zero_grad(); loss.backward(); optimizer.step()
""",
    "persistent_workers": SGD + """
loader = DataLoader(data, batch_size=10, shuffle=True, num_workers=1, persistent_workers=True,
                    pin_memory=False, prefetch_factor=3)
for epoch in range(3):
    for x, y in loader:
        loss = F.mse_loss(model(x), y)
        optimizer.zero_grad(); loss.backward(); optimizer.step()
""",
    "autograd_grad": """
for step in range(10):
    loss = F.mse_loss(model(torch.randn(16, 4)), torch.randn(16, 1))
    grads = torch.autograd.grad(loss, list(model.parameters()))
    with torch.no_grad():
        for p, g in zip(model.parameters(), grads):
            p -= 0.1 * g
""",
    "double_backward": ADAM + """
for step in range(8):
    x = torch.randn(16, 4, requires_grad=True)
    slope, = torch.autograd.grad(model(x).sum(), x, create_graph=True)
    loss = (slope.norm(dim=1) - 1).pow(2).mean()
    optimizer.zero_grad(); loss.backward(); optimizer.step()
""",
    "hooks_and_ema": ADAM + """
ema = torch.optim.swa_utils.AveragedModel(model)
seen = []
model[0].register_forward_hook(lambda m, i, o: seen.append(o.mean().item()))
model[0].weight.register_hook(lambda g: g * 0.5)
optimizer.register_step_post_hook(lambda o, a, k: seen.append("stepped"))
""" + LOOP.format(clip="ema.update_parameters(model)") + "print(seen)\n",
    "sparse": """
model = nn.Sequential(nn.EmbeddingBag(50, 4, sparse=True), nn.Linear(4, 1))
dense = torch.optim.SGD(model[1].parameters(), lr=0.1)
sparse = torch.optim.SparseAdam(list(model[0].parameters()), lr=0.01)
for step in range(8):
    loss = model(torch.randint(50, (16, 3))).pow(2).mean()
    dense.zero_grad(); sparse.zero_grad()
    loss.backward()
    dense.step(); sparse.step()
""",
    "compiled": ADAM + """
import torch._dynamo
fast = torch.compile(model, backend="aot_eager")
for step in range(6):
    loss = F.mse_loss(fast(torch.randn(16, 4)), torch.randn(16, 1))
    optimizer.zero_grad(); loss.backward(); optimizer.step()
counters = torch._dynamo.utils.counters
print(dict(counters["stats"]), dict(counters["graph_break"]))
""",
    "compiled_whole_step": ADAM + """
@torch.compile(backend="eager")
def train(x, y):
    optimizer.zero_grad()
    loss = F.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    return loss
for step in range(4):
    loss = train(torch.randn(16, 4), torch.randn(16, 1))
""",
}  # fmt: skip


def digest(ran: Ran) -> str:
    """Of the weights, byte for byte."""
    import torch

    state = torch.load(ran.folder / "model.pt", weights_only=True)
    parts = [f"{name}{t.dtype}{tuple(t.shape)}".encode() for name, t in state.items()]
    parts += [t.contiguous().numpy().tobytes() for t in state.values()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def assert_unchanged(zygote: Zygote, folder: Path, source: str) -> Ran:
    bare = zygote.bare(folder / "bare", source)
    seen = zygote.watch(folder / "seen", source)
    assert bare.code == 0, bare.err
    assert "switched off" not in seen.err
    assert seen.out == bare.out, seen.err
    assert digest(seen) == digest(bare)
    assert not seen.held
    assert "failure" not in seen.severities, seen.run["events"]
    return seen


@pytest.mark.parametrize("name", SCRIPTS)
def test_plain_torch(zygote: Zygote, tmp_path: Path, name: str) -> None:
    seen = assert_unchanged(zygote, tmp_path, HEAD + SCRIPTS[name] + TAIL)
    assert seen.code == 0, seen.err


LIGHTNING = """
import logging, warnings
warnings.simplefilter("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
import lightning
class Net(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = model
    def training_step(self, batch, at):
        self.loss = F.mse_loss(self.net(batch[0]), batch[1])
        return self.loss
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.01)
net = Net()
lightning.Trainer(max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
                  enable_progress_bar=False, enable_model_summary=False, gradient_clip_val=1.0,
                  ).fit(net, DataLoader(data, batch_size=16, shuffle=True))
loss = net.loss
"""
HUGGING_FACE = """
import os
os.environ["HF_HUB_OFFLINE"] = "1"
from transformers import PrinterCallback, Trainer, TrainingArguments
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = model
    def forward(self, x=None, labels=None):
        out = self.net(x)
        return {"loss": F.mse_loss(out, labels), "logits": out}
rows = [{"x": x, "labels": y} for x, y in data]
arguments = TrainingArguments("out", max_steps=8, per_device_train_batch_size=8, report_to=[],
                              save_strategy="no", use_cpu=True, disable_tqdm=True,
                              logging_strategy="no", seed=3)
trainer = Trainer(Net(), arguments, train_dataset=rows)
trainer.remove_callback(PrinterCallback)  # prints times
done = trainer.train()
loss = torch.tensor(done.training_loss)
"""
ACCELERATE = (
    ADAM
    + """
from accelerate import Accelerator
accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
loader = DataLoader(data, batch_size=8, shuffle=True)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
for x, y in loader:
    with accelerator.accumulate(model):
        loss = F.mse_loss(model(x), y)
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
"""
)


@pytest.mark.parametrize(
    "source", [LIGHTNING, HUGGING_FACE, ACCELERATE], ids=["lightning", "hugging_face", "accelerate"]
)
def test_frameworks(zygote: Zygote, tmp_path: Path, source: str) -> None:
    seen = assert_unchanged(zygote, tmp_path, HEAD + source + TAIL)
    assert seen.code == 0, seen.err
    assert seen.run["last_step"] >= 3


def test_a_step_is_a_step_of_the_optimizer(zygote: Zygote, tmp_path: Path) -> None:
    """Four losses for one step of accumulation; the first closure call of each L-BFGS step."""
    folder = tmp_path / "accumulation"
    accumulated = zygote.watch(folder, HEAD + SCRIPTS["accumulation"] + TAIL)
    assert accumulated.run["last_step"] == 2
    closures = zygote.watch(tmp_path / "lbfgs", HEAD + SCRIPTS["lbfgs"] + TAIL)
    assert closures.run["last_step"] == 3
