"""Learns hyperbolic embeddings of a random taxonomy from noisy observed features.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient"]
step = 124
phase = "backward"
"""
import itertools

import torch
import torch.nn as nn
import torch.nn.functional as F


class Taxonomy:
    """Balanced tree; leaves carry a feature vector made of their ancestors' codes."""

    def __init__(self, branching=4, depth=4, feat=24, seed=0):
        g = torch.Generator().manual_seed(seed)
        self.paths = list(itertools.product(range(branching), repeat=depth))
        codes = {}
        rows = []
        for p in self.paths:
            v = torch.zeros(feat)
            for lvl in range(1, depth + 1):
                key = p[:lvl]
                if key not in codes:
                    codes[key] = torch.randn(feat, generator=g) / lvl
                v = v + codes[key]
            rows.append(v)
        self.x = torch.stack(rows)
        self.depth = depth
        P = torch.tensor(self.paths)
        same = (P[:, None] == P[None]).long().cumprod(-1).sum(-1)
        self.tree_dist = (2.0 * (depth - same))

    def __len__(self):
        return len(self.paths)


def project(v, max_norm=0.98):
    """Map to the open unit ball."""
    n = v.norm(dim=-1, keepdim=True).clamp_min(1e-6)
    return v / n * torch.tanh(n) * max_norm


def poincare_distance(u, v):
    sq = (u - v).pow(2).sum(-1)
    a = (1 - u.pow(2).sum(-1)) * (1 - v.pow(2).sum(-1))
    return torch.acosh(1 + 2 * sq / a)  # <- culprit


class Embedder(nn.Module):
    def __init__(self, feat, dim=8):
        super().__init__()
        self.l1 = nn.Linear(feat, 64)
        self.l2 = nn.Linear(64, 64)
        self.l3 = nn.Linear(64, dim)
        nn.init.normal_(self.l3.weight, std=0.02)

    def forward(self, x):
        x = F.gelu(self.l1(x))
        x = x + F.gelu(self.l2(x))
        return project(self.l3(x))


def sample_pairs(tax, bs, gen):
    """Anchors are uniform; partners come from a window of neighbours in leaf order."""
    i = torch.randint(len(tax), (bs,), generator=gen)
    reach = torch.randint(1, 130, (bs,), generator=gen)
    j = (i + reach * (torch.randint(2, (bs,), generator=gen) * 2 - 1)) % len(tax)
    return i, j


def stress(d, t):
    return ((d - t).pow(2) / t.clamp_min(1.0)).mean()


torch.manual_seed(77)
gen = torch.Generator().manual_seed(73)
tax = Taxonomy()
model = Embedder(tax.x.size(1))
opt = torch.optim.Adagrad(model.parameters(), lr=0.02)
sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.2, total_iters=1500)
# three quarters local pairs, one quarter global ones
for step in range(1500):
    i, j = sample_pairs(tax, 12, gen)
    k = torch.randint(len(tax), (4,), generator=gen)
    l = torch.randint(len(tax), (4,), generator=gen)
    a, b = torch.cat([i, k]), torch.cat([j, l])
    d = poincare_distance(model(tax.x[a]), model(tax.x[b]))
    loss = stress(d, tax.tree_dist[a, b])
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    if step % 100 == 0:
        with torch.no_grad():
            z = model(tax.x)
            p = torch.arange(0, len(tax), 5)
            q = (p + 37) % len(tax)
            err = (poincare_distance(z[p], z[q]) - tax.tree_dist[p, q]).abs().mean()
        print(f"step {step:5d}  stress {loss.item():.4f}  |d - d_tree| {err:.3f}  max radius {z.norm(dim=1).max():.3f}")
