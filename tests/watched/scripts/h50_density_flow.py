"""Coupling flow fitted to a narrow 4-D density; negative log-likelihood, lr cut near the end.

[truth]
family = "healthy"
causes = []
"""
import math

import torch
import torch.nn as nn


def sample(n):
    t = 2 * math.pi * torch.rand(n)
    r = 0.05 + 0.002 * torch.randn(n)
    a = torch.stack([r * t.cos(), r * t.sin()], 1)
    b = torch.stack([0.3 * a[:, 0] ** 2 * 20 + 0.003 * torch.randn(n), 0.02 * torch.randn(n) + a[:, 1]], 1)
    return torch.cat([a, b], 1)


class Coupling(nn.Module):
    def __init__(self, dim, flip, width=64):
        super().__init__()
        self.flip, h = flip, dim // 2
        self.net = nn.Sequential(nn.Linear(h, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 2 * h))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x):
        a, b = x.chunk(2, 1)
        if self.flip:
            a, b = b, a
        s, t = self.net(a).chunk(2, 1)
        s = 2 * torch.tanh(s / 2)
        b = (b + t) * s.exp()
        y = torch.cat([b, a] if self.flip else [a, b], 1)
        return y, s.sum(1)


class Flow(nn.Module):
    def __init__(self, dim=4, depth=6):
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(dim))
        self.layers = nn.ModuleList(Coupling(dim, i % 2) for i in range(depth))
        self.perm = [torch.tensor([0, 2, 1, 3]) if i % 3 == 2 else torch.arange(4) for i in range(depth)]

    def nll(self, x):
        z, ld = x * self.log_scale.exp(), self.log_scale.sum().expand(len(x))
        for layer, p in zip(self.layers, self.perm):
            z, d = layer(z)
            z = z[:, p]
            ld = ld + d
        base = 0.5 * (z ** 2 + math.log(2 * math.pi)).sum(1)
        return (base - ld).mean()


torch.manual_seed(14)
flow = Flow()
opt = torch.optim.Adam([{"params": flow.layers.parameters()}, {"params": [flow.log_scale], "lr": 2e-2}], lr=2e-3)
sched = torch.optim.lr_scheduler.MultiStepLR(opt, [360], gamma=0.1)
held = sample(2000)
for it in range(480):
    loss = flow.nll(sample(256))
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    if it % 50 == 0 or it == 479:
        with torch.no_grad():
            print(f"it {it:4d}  nll {loss.item():+.3f}  held-out {flow.nll(held).item():+.3f}")
