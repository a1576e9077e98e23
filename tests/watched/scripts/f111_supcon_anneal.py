"""Supervised contrastive embedding of toy textures with an annealed temperature.

[truth]
family = "unstable_loss"
causes = ["exponential_overflow"]
step = 228
window = 0
phase = "loss"
"""
import math
from dataclasses import dataclass

import torch
from torch import nn
import torch.nn.functional as F


@dataclass
class Cfg:
    steps: int = 260
    batch: int = 64
    classes: int = 10
    dim: int = 32
    lr: float = 1e-3
    t_start: float = 0.2
    t_end: float = 0.004
    seed: int = 11


def textures(cfg):
    g = torch.Generator().manual_seed(cfg.seed)
    freq = 0.3 + 2.2 * torch.rand(cfg.classes, 2, generator=g)
    yy, xx = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")

    def sample(n):
        y = torch.randint(0, cfg.classes, (n,), generator=g)
        ph = 6.28 * torch.rand(n, 1, 1, generator=g)
        f = freq[y]
        img = torch.sin(f[:, 0, None, None] * xx + f[:, 1, None, None] * yy + ph)
        return (img + 0.3 * torch.randn(n, 16, 16, generator=g)).unsqueeze(1), y

    return sample


class Encoder(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 24, 5, 2, 2), nn.BatchNorm2d(24), nn.ReLU(),
            nn.Conv2d(24, 48, 3, 2, 1), nn.BatchNorm2d(48), nn.ReLU(), nn.Flatten())
        self.proj = nn.Linear(48 * 16, dim)

    def forward(self, x):
        return F.normalize(self.proj(self.body(x)), dim=1)


def supcon(z, y, tau):
    n = len(z)
    off = 1 - torch.eye(n)
    e = torch.exp(z @ z.t() / tau)  # <- culprit
    pos = (y[:, None] == y[None]).float() * off
    denom = (e * off).sum(1, keepdim=True)
    logp = z @ z.t() / tau - torch.log(denom)
    return -((pos * logp).sum(1) / pos.sum(1).clamp_min(1)).mean()


def temperature(cfg, t):
    c = 0.5 * (1 + math.cos(math.pi * t / cfg.steps))
    return cfg.t_end + (cfg.t_start - cfg.t_end) * c


def run(cfg):
    torch.manual_seed(cfg.seed)
    draw, net = textures(cfg), Encoder(cfg.dim)
    opt = torch.optim.Adam(net.parameters(), lr=cfg.lr)
    history = []
    for t in range(cfg.steps):
        x, y = draw(cfg.batch)
        loss = supcon(net(x), y, temperature(cfg, t))
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        history.append(loss.item())
        if (t + 1) % 20 == 0:
            print(f"{t + 1:4d}  tau={temperature(cfg, t):.4f}  loss={sum(history[-20:]) / 20:.4f}")
    return history


if __name__ == "__main__":
    run(Cfg())
