"""RealNVP density estimation on small-scale two moons.

[truth]
family = "healthy"
causes = []
"""
import math
import torch
from torch import nn


def moons(n):
    t = math.pi * torch.rand(n)
    up = torch.rand(n) < 0.5
    x = torch.where(up, t.cos(), 1 - t.cos())
    y = torch.where(up, t.sin(), 0.5 - t.sin())
    return 0.1 * (torch.stack([x - 0.5, y - 0.25], 1) + 0.06 * torch.randn(n, 2))


class Coupling(nn.Module):
    def __init__(self, flip, h=48):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, h), nn.Tanh(), nn.Linear(h, h), nn.Tanh(), nn.Linear(h, 2))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x):
        a, b = x[:, :1], x[:, 1:]
        if self.flip:
            a, b = b, a
        s, t = self.net(10 * a if a.abs().max() < 1 else a).chunk(2, 1)
        s = 2.5 * torch.tanh(s)
        b = b * s.exp() + t
        return torch.cat([b, a] if self.flip else [a, b], 1), s.squeeze(1)


class Flow(nn.Module):
    def __init__(self, depth=6):
        super().__init__()
        self.layers = nn.ModuleList(Coupling(i % 2 == 1) for i in range(depth))

    def nll(self, x):
        ld = x.new_zeros(len(x))
        for f in self.layers:
            x, d = f(x)
            ld = ld + d
        logp = -0.5 * (x ** 2).sum(1) - math.log(2 * math.pi)
        return -(logp + ld).mean()


torch.manual_seed(4)
flow = Flow()
opt = torch.optim.Adam(flow.parameters(), lr=2e-3)
best = float("inf")
for it in range(500):
    loss = flow.nll(moons(256))
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(flow.parameters(), 10.0)
    opt.step()
    best = min(best, loss.item())
    if it % 50 == 0:
        print("iter", it, "nll", round(loss.item(), 3), "best", round(best, 3))
