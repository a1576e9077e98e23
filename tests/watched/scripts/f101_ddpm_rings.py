"""Noise-prediction diffusion on 2-d rings with a periodically synchronised weight average.

[truth]
family = "corrupted_state"
causes = ["corrupted_weights", "division_by_zero"]
step = 120
window = 1
phase = "state"
"""
import argparse
import math
import torch
import torch.nn as nn


class Averager:
    """Averages the weights from `start` on and writes them back every `every` steps."""

    def __init__(self, net, start, every):
        self.start, self.every, self.n = start, every, 0
        self.sum = [torch.zeros_like(p) for p in net.parameters()]

    @torch.no_grad()
    def after_step(self, net, t):
        if t > self.start:
            self.n += 1
            for s, p in zip(self.sum, net.parameters()):
                s.add_(p)
        if t % self.every == 0:
            for s, p in zip(self.sum, net.parameters()):
                p.copy_(s / self.n)  # <- culprit
                s.zero_()
            self.n = 0


def rings(n):
    r = torch.where(torch.rand(n) < 0.5, 0.5, 1.2)
    a = 2 * math.pi * torch.rand(n)
    return torch.stack([r * a.cos(), r * a.sin()], 1) + 0.03 * torch.randn(n, 2)


class Eps(nn.Module):
    def __init__(self, h=64):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2 + 8, h), nn.SiLU(), nn.Linear(h, h), nn.SiLU(), nn.Linear(h, 2))

    def forward(self, x, t):
        f = t[:, None] * torch.tensor([1.0, 2.0, 4.0, 8.0])
        return self.net(torch.cat([x, f.sin(), f.cos()], 1))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=400)
    p.add_argument("--avg-start", type=int, default=120)
    p.add_argument("--avg-every", type=int, default=60)
    a = p.parse_args()
    torch.manual_seed(2)
    net = Eps()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
    avg = Averager(net, a.avg_start, a.avg_every)
    beta = torch.linspace(1e-3, 0.15, 50)
    abar = torch.cumprod(1 - beta, 0)
    for t in range(1, a.steps + 1):
        x0 = rings(128)
        k = torch.randint(0, 50, (128,))
        e = torch.randn_like(x0)
        xt = abar[k].sqrt()[:, None] * x0 + (1 - abar[k]).sqrt()[:, None] * e
        loss = (net(xt, k / 50) - e).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if t >= a.avg_start:
            avg.after_step(net, t)
        if t % 40 == 0:
            print(f"[{t}] mse {loss.item():.4f}")


if __name__ == "__main__":
    main()
