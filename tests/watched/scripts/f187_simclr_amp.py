"""Trains SimCLR on small synthetic patterns with float16 autocast.

[truth]
family = "unstable_loss"
causes = ["half_precision_overflow", "exponential_overflow"]
step = 15
window = 0
phase = "loss"
"""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Patterns(Dataset):
    """Each item is a class pattern seen through two random augmentations."""

    def __init__(self, n, n_classes=8, size=16, seed=0):
        g = torch.Generator().manual_seed(seed)
        self.protos = F.interpolate(torch.randn(n_classes, 1, 5, 5, generator=torch.Generator().manual_seed(5)), size=size, mode="bilinear")
        self.labels = torch.randint(0, n_classes, (n,), generator=g)
        self.base = self.protos[self.labels] + 0.6 * torch.randn(n, 1, size, size, generator=g)

    def augment(self, x):
        x = torch.roll(x, tuple(torch.randint(-2, 3, (2,)).tolist()), (1, 2))
        if torch.rand(1) < 0.5:
            x = x.flip(2)
        return x * (0.6 + 0.8 * torch.rand(1)) + 0.2 * torch.randn_like(x)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.augment(self.base[i]), self.augment(self.base[i]), self.labels[i]


class Encoder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten())
        self.proj = nn.Sequential(nn.Linear(32 * 16, 64), nn.ReLU(), nn.Linear(64, dim), nn.BatchNorm1d(dim, affine=False))

    def forward(self, x):
        h = self.body(x)
        return h, self.proj(h)


class NTXent(nn.Module):
    def __init__(self, temperature):
        super().__init__()
        self.t = temperature

    def forward(self, za, zb):
        z = F.normalize(torch.cat([za, zb]), dim=1)
        n = len(za)
        sim = (z @ z.T).masked_fill(torch.eye(2 * n, dtype=torch.bool), float("-inf")) / self.t
        pos = torch.cat([sim.diagonal(n), sim.diagonal(-n)])
        denom = torch.exp(sim).sum(1)  # <- culprit
        return (torch.log(denom) - pos).mean()


def knn_accuracy(enc, ds, k=5):
    with torch.no_grad():
        h = F.normalize(enc(ds.base)[0].float(), dim=1)
    s = h @ h.T
    s.fill_diagonal_(-1)
    votes = ds.labels[s.topk(k).indices]
    return (votes.mode(1).values == ds.labels).float().mean().item()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=10)
    ap.add_argument("--batch-size", type=int, default=64)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--temperature", type=float, default=0.09)
    ap.add_argument("--seed", type=int, default=1)
    a = ap.parse_args()
    torch.manual_seed(a.seed)
    ds = Patterns(1024)
    dl = DataLoader(ds, batch_size=a.batch_size, shuffle=True, drop_last=True)
    enc = Encoder()
    crit = NTXent(a.temperature)
    opt = torch.optim.AdamW(enc.parameters(), lr=a.lr, weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, a.epochs * len(dl))
    it = 0
    for ep in range(a.epochs):
        for xa, xb, _ in dl:
            with torch.autocast("cpu", dtype=torch.float16):
                _, za = enc(xa)
                _, zb = enc(xb)
                loss = crit(za, zb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            if it % 20 == 0:
                print(f"ep {ep} it {it} nt-xent {loss.item():.4f} lr {sched.get_last_lr()[0]:.4f}")
            it += 1
        print(f"ep {ep} knn acc {knn_accuracy(enc, ds):.3f}")


if __name__ == "__main__":
    main()
