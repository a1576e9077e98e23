"""Streams ad impressions and fits a click model in mixed precision.

[truth]
family = "unstable_loss"
causes = ["saturated_probabilities", "log_of_zero"]
step = 99
window = 0
phase = "loss"
"""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, IterableDataset


class Impressions(IterableDataset):
    def __init__(self, n, n_users=60, n_ads=30, seed=17):
        self.n, self.n_users, self.n_ads, self.seed = n, n_users, n_ads, seed

    def __iter__(self):
        g = torch.Generator().manual_seed(self.seed)
        taste = torch.randn(self.n_users, 4, generator=g)
        topic = torch.randn(self.n_ads, 4, generator=g)
        for _ in range(self.n):
            u = int(torch.randint(self.n_users, (1,), generator=g))
            a = int(torch.randint(self.n_ads, (1,), generator=g))
            s = 6.0 * (taste[u] @ topic[a])
            click = (torch.rand((), generator=g) < torch.sigmoid(s)).float()
            yield {"user": u, "ad": a, "click": click}


class TwoTower(nn.Module):
    def __init__(self, n_users=60, n_ads=30, d=16):
        super().__init__()
        self.user = nn.Embedding(n_users, d)
        self.ad = nn.Embedding(n_ads, d)
        self.mlp = nn.Sequential(nn.Linear(3 * d, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, user, ad):
        u, a = self.user(user), self.ad(ad)
        return torch.sigmoid(self.mlp(torch.cat([u, a, u * a], -1)).squeeze(-1))


def log_loss(p, y, eps=1e-7):
    p = p.clamp(eps, 1 - eps)
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()  # <- culprit


torch.manual_seed(0)
model = TwoTower()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
loader = DataLoader(Impressions(40_000), batch_size=128)
ema = None
for step, batch in enumerate(loader):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        p = model(batch["user"], batch["ad"])
        loss = log_loss(p, batch["click"])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    ema = loss.item() if ema is None else 0.95 * ema + 0.05 * loss.item()
    if step % 40 == 0:
        print(f"{step * 128:>7d} impressions | logloss {ema:.4f}")
