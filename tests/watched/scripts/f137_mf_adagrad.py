"""Matrix factorisation of a ratings table with a hand-written AdaGrad.

[truth]
family = "exploding_gradients"
causes = ["gradient_ascent"]
step = 1
window = 12
"""
import numpy as np
import torch
from torch import nn


class RowAdagrad(torch.optim.Optimizer):
    def __init__(self, params, lr=0.1, eps=1e-8):
        super().__init__(params, dict(lr=lr, eps=eps))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                acc = self.state[p].setdefault("acc", torch.zeros_like(p))
                acc.add_(p.grad**2)
                p.add_(p.grad / (acc.sqrt() + group["eps"]), alpha=group["lr"])


class Factorizer(nn.Module):
    def __init__(self, n_users, n_items, rank, mean):
        super().__init__()
        self.U, self.V = nn.Embedding(n_users, rank), nn.Embedding(n_items, rank)
        self.bu, self.bi = nn.Embedding(n_users, 1), nn.Embedding(n_items, 1)
        for e in (self.U, self.V):
            nn.init.normal_(e.weight, std=0.1)
        for e in (self.bu, self.bi):
            nn.init.zeros_(e.weight)
        self.mean = mean

    def forward(self, u, i):
        return self.mean + (self.U(u) * self.V(i)).sum(1) + self.bu(u).squeeze(1) + self.bi(i).squeeze(1)


rng = np.random.default_rng(8)
nu, ni, n = 200, 120, 8000
users, items = rng.integers(0, nu, n), rng.integers(0, ni, n)
a, b = rng.normal(size=(nu, 3)), rng.normal(size=(ni, 3))
ratings = np.clip(3.4 + 0.6 * (a[users] * b[items]).sum(1) + 0.3 * rng.normal(size=n), 1, 5)
u, i = torch.from_numpy(users), torch.from_numpy(items)
r = torch.tensor(ratings, dtype=torch.float32)

torch.manual_seed(8)
model = Factorizer(nu, ni, 8, float(ratings.mean()))
opt = RowAdagrad(model.parameters(), lr=0.1)
for epoch in range(8):
    perm = torch.randperm(n)
    total = 0.0
    for batch in perm.split(256):
        err = model(u[batch], i[batch]) - r[batch]
        loss = (err**2).mean() + 1e-3 * (model.U.weight.pow(2).mean() + model.V.weight.pow(2).mean())
        model.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(batch)
    print(f"epoch {epoch} rmse {(total / n) ** 0.5:.3f}")
