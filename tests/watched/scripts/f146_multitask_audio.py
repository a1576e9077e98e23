"""Two-task net (pitch regression + timbre class) on spectra, restarted from a checkpoint half way.

[truth]
family = "corrupted_state"
causes = ["resumed_without_state"]
step = 240
window = 4
"""
import math
import os
import tempfile

import torch
import torch.nn as nn
import torch.nn.functional as F

CKPT = os.path.join(tempfile.mkdtemp(), "last.pt")
TOTAL = 480
WARMUP = 40
PEAK = 1e-2


def batch(n, gen):
    f0 = 80 + 320 * torch.rand(n, generator=gen)
    kind = torch.randint(0, 3, (n,), generator=gen)
    bins = torch.linspace(0, 2000, 96)
    spec = torch.zeros(n, 96)
    roll = torch.tensor([0.3, 0.6, 0.9])[kind]
    for h in range(1, 6):
        w = roll ** (h - 1)
        if h % 2 == 0:
            w = w * (kind != 2)
        spec += w[:, None] * torch.exp(-((bins - f0[:, None] * h) / 30) ** 2)
    spec += 0.03 * torch.randn(n, 96, generator=gen).abs()
    return spec, torch.log2(f0 / 180), kind


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(96, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU())
        self.pitch = nn.Linear(128, 1)
        self.kind = nn.Linear(128, 3)

    def forward(self, x):
        h = self.trunk(x)
        return self.pitch(h).squeeze(-1), self.kind(h)


def lr_at(step):
    if step < WARMUP:
        return (step + 1) / WARMUP
    return max(0.5 * (1 + math.cos(math.pi * (step - WARMUP) / (200 - WARMUP))), 0.01) if step < 200 else 0.01


def train(model, optimizer, scheduler, gen, first, last):
    for step in range(first, last):
        x, pitch, kind = batch(64, gen)
        p, k = model(x)
        l_pitch = F.mse_loss(p, pitch)
        l_kind = F.cross_entropy(k, kind)
        loss = 4 * l_pitch + l_kind
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        if step % 20 == 0:
            print(f"{step:4d} total {loss.item():.4f} pitch {l_pitch.item():.5f} kind {l_kind.item():.4f}")
        if (step + 1) % 80 == 0:
            torch.save({"step": step + 1, "model": model.state_dict()}, CKPT)


def main():
    gen = torch.Generator().manual_seed(2)
    torch.manual_seed(2)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=PEAK)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lr_at)
    train(model, optimizer, scheduler, gen, 0, TOTAL // 2)

    # the job is split over two allocations
    state = torch.load(CKPT)
    model = Net()
    model.load_state_dict(state["model"])
    optimizer = torch.optim.Adam(model.parameters(), lr=PEAK)
    train(model, optimizer, None, gen, state["step"], TOTAL)


if __name__ == "__main__":
    main()
