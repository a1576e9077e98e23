"""Trains a normalising flow of tide and pressure pairs, first with Adam, then polished with LBFGS.

[truth]
family = "healthy"
causes = []
"""
import math

import torch
from torch import nn


class Coupling(nn.Module):
    def __init__(self, flip):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 2))

    def forward(self, x):
        a, b = x.flip(1).split(1, 1) if self.flip else x.split(1, 1)
        s, t = self.net(a).chunk(2, 1)
        s = 2 * torch.tanh(s / 2)
        b = (b - t) * torch.exp(-s)
        y = torch.cat([a, b], 1)
        return (y.flip(1) if self.flip else y), -s.squeeze(1)


class Flow(nn.Module):
    def __init__(self, n=4):
        super().__init__()
        self.log_unit = nn.Parameter(torch.tensor(math.log(0.1)), requires_grad=False)
        self.layers = nn.ModuleList(Coupling(i % 2 == 1) for i in range(n))

    def log_prob(self, x):
        x = x / self.log_unit.exp()
        logdet = -2 * self.log_unit
        for layer in self.layers:
            x, d = layer(x)
            logdet = logdet + d
        return logdet - 0.5 * x.pow(2).sum(1) - math.log(2 * math.pi)


def tides(n, g):
    u = torch.randn(n, generator=g)
    v = 0.5 * u ** 2 - 0.5 + 0.2 * torch.randn(n, generator=g)
    return 0.1 * torch.stack([u, v], 1)


g = torch.Generator().manual_seed(20)
torch.manual_seed(20)
flow = Flow()
learn = [p for p in flow.parameters() if p.requires_grad]
adam = torch.optim.Adam(learn, lr=3e-3)
for i in range(200):
    loss = -flow.log_prob(tides(128, g)).mean()
    adam.zero_grad()
    loss.backward()
    adam.step()
    if i % 50 == 0:
        print("adam", i, round(loss.item(), 4))

fixed = tides(1500, g)
lbfgs = torch.optim.LBFGS(learn, lr=0.5, max_iter=6, line_search_fn="strong_wolfe")


def closure():
    lbfgs.zero_grad()
    loss = -flow.log_prob(fixed).mean()
    loss.backward()
    return loss


for i in range(6):
    print("lbfgs", i, round(lbfgs.step(closure).item(), 4))
