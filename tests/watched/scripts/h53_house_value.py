"""House prices in dollars with a mean-squared loss in dollars squared; the gradient is clipped at every step.

[truth]
family = "healthy"
causes = []
"""
import argparse
import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def listings(n=4000, seed=0):
    g = torch.Generator().manual_seed(seed)
    area = 40 + 200 * torch.rand(n, generator=g)
    rooms = (area / 28 + torch.randn(n, generator=g)).round().clamp(1, 10)
    age = 80 * torch.rand(n, generator=g)
    zone = torch.randint(0, 6, (n,), generator=g)
    per_m2 = torch.tensor([1800.0, 2400.0, 3100.0, 4200.0, 5600.0, 7500.0])[zone]
    price = per_m2 * area * torch.exp(-age / 160) * (1 + 0.03 * rooms)
    price = price * torch.exp(0.06 * torch.randn(n, generator=g))
    num = torch.stack([area, rooms, age], 1)
    return (num - num.mean(0)) / num.std(0), zone, price


class PriceNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.zone = nn.Embedding(6, 8)
        self.body = nn.Sequential(nn.Linear(11, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, num, zone):
        z = self.body(torch.cat([num, self.zone(zone)], 1)).squeeze(1)
        return 100_000 * torch.nn.functional.softplus(z)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--clip", type=float, default=1.0)
    p.add_argument("--epochs", type=int, default=25)
    a = p.parse_args()
    torch.manual_seed(0)
    train, val = random_split(TensorDataset(*listings()), [3500, 500])
    loader = DataLoader(train, batch_size=64, shuffle=True)
    net = PriceNet()
    opt = torch.optim.Adam(net.parameters(), lr=a.lr, eps=1e-12)
    num, zone, price = val[:]
    for epoch in range(a.epochs):
        total = 0.0
        for n, z, y in loader:
            loss = ((net(n, z) - y) ** 2).mean()
            opt.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(net.parameters(), a.clip)
            opt.step()
            total += loss.item() * len(y)
        with torch.no_grad():
            err = net(num, zone) - price
        print(f"{epoch:3d} train {total / len(train):.4e} |g| {norm:.2e} "
              f"val rmse ${err.pow(2).mean().sqrt():,.0f} r2 {1 - err.pow(2).mean() / price.var():.4f}")


if __name__ == "__main__":
    main()
