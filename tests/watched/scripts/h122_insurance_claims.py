"""Loss in millions (dollars squared), heavy tails, gradients clipped at 1e5.

[truth]
family = "healthy"
causes = []
"""
"""Claim severity in dollars; heavy tailed, so a pseudo-Huber loss in raw units is used."""
import argparse
import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader


class Claims(Dataset):
    def __init__(self, n, seed):
        r = np.random.default_rng(seed)
        age = r.uniform(18, 85, n)
        power = r.gamma(4, 30, n)
        urban = r.integers(0, 2, n)
        mu = 7.0 + 0.008 * power + 0.4 * urban + 0.00025 * (age - 50) ** 2
        y = np.exp(mu) * (1 + 0.3 * r.standard_t(1.6, n))
        x = np.stack([(age - 50) / 20, (power - 120) / 60, urban - 0.5], 1)
        self.x, self.y = torch.from_numpy(x).float(), torch.from_numpy(np.clip(y, 0, None)).float()

    def __len__(self):
        return len(self.y)

    def __getitem__(self, k):
        return self.x[k], self.y[k]


def pseudo_huber(p, y, delta):
    return (delta ** 2 * (torch.sqrt(1 + ((p - y) / delta) ** 2) - 1)).mean()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--delta", type=float, default=1000.0)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--epochs", type=int, default=10)
    a = ap.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    ds = Claims(5000, 3)
    dl = DataLoader(ds, batch_size=64, shuffle=True)
    net = nn.Sequential(nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))
    opt = torch.optim.Adam(net.parameters(), lr=a.lr)
    for e in range(a.epochs):
        s = 0
        for x, y in dl:
            loss = pseudo_huber(net(x).squeeze(-1).add(7).exp(), y, a.delta)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1e5)
            opt.step()
            s += loss.item()
        print(f"epoch {e}: loss {s / len(dl):,.0f}")


if __name__ == "__main__":
    main()
