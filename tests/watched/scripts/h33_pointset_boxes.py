"""Attention over padded point sets that predicts the enclosing box in pixels.

[truth]
family = "healthy"
causes = []
"""
import math
import random

import torch
import torch.nn as nn


def collate(rng, n, hi=20):
    sets, boxes = [], []
    for _ in range(n):
        k = rng.randint(2, hi)
        c = torch.tensor([rng.uniform(150, 450), rng.uniform(150, 450)])
        p = c + (torch.rand(k, 2) - 0.5) * rng.uniform(40, 280)
        sets.append(p)
        boxes.append(torch.cat([p.amin(0), p.amax(0)]))
    x = nn.utils.rnn.pad_sequence(sets, batch_first=True)
    keep = torch.arange(x.shape[1])[None] < torch.tensor([len(s) for s in sets])[:, None]
    return x, keep, torch.stack(boxes)


class Pool(nn.Module):
    def __init__(self, d, q):
        super().__init__()
        self.q = nn.Parameter(torch.randn(q, d) / d ** 0.5)
        self.k, self.v = nn.Linear(d, d), nn.Linear(d, d)

    def forward(self, h, keep):
        s = self.q @ self.k(h).transpose(1, 2) / math.sqrt(h.shape[-1])
        s = s.masked_fill(~keep[:, None], float("-inf"))
        return s.softmax(-1) @ self.v(h)


class SetBox(nn.Module):
    def __init__(self, d=48, q=8):
        super().__init__()
        self.inp = nn.Sequential(nn.Linear(2, d), nn.GELU(), nn.Linear(d, d))
        self.pool = Pool(d, q)
        self.out = nn.Sequential(nn.Linear(d * q, 64), nn.GELU(), nn.Linear(64, 4))

    def forward(self, x, keep):
        h = self.inp((x - 300) / 100)
        return 300 + 100 * self.out(self.pool(h, keep).flatten(1))


def train(steps=400, batch=24):
    rng = random.Random(5)
    torch.manual_seed(5)
    net = SetBox()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 4e-3, total_steps=steps)
    for t in range(steps):
        x, keep, box = collate(rng, batch)
        err = net(x, keep) - box
        loss = err.pow(2).sum()
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if (t + 1) % 40 == 0:
            print(f"{t + 1}: sse {loss.item():.1f}, mean abs px {err.abs().mean().item():.2f}")


train()
