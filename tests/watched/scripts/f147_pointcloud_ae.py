"""Point-cloud auto-encoder (Chamfer) with a uniformity term that joins after some epochs.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient"]
step = 96
window = 0
phase = "backward"
"""
import argparse
import math

import torch
from torch import nn


def make_shapes(n, pts, gen):
    u = torch.rand(n, pts, generator=gen) * 2 * math.pi
    v = torch.acos(1 - 2 * torch.rand(n, pts, generator=gen))
    xyz = torch.stack([v.sin() * u.cos(), v.sin() * u.sin(), v.cos()], -1)
    axes = 0.4 + torch.rand(n, 1, 3, generator=gen)
    shift = 0.3 * torch.randn(n, 1, 3, generator=gen)
    return xyz * axes + shift


class PointNet(nn.Module):
    def __init__(self, dim=64):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, dim))

    def forward(self, x):
        return self.net(x).amax(1)


class Decoder(nn.Module):
    def __init__(self, dim=64, pts=64):
        super().__init__()
        self.pts = pts
        self.net = nn.Sequential(nn.Linear(dim, 128), nn.ReLU(), nn.Linear(128, pts * 3))

    def forward(self, z):
        return self.net(z).view(-1, self.pts, 3)


def chamfer(a, b):
    d = ((a[:, :, None] - b[:, None]) ** 2).sum(-1)
    return d.amin(2).mean() + d.amin(1).mean()


def uniformity(p, k=4):
    """Spread of the distances to the k nearest neighbours."""
    diff = p[:, :, None] - p[:, None]
    dist = diff.pow(2).sum(-1).sqrt()  # <- culprit
    near = dist.topk(k + 1, dim=-1, largest=False).values[..., 1:]
    return near.var(dim=(1, 2)).mean()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=6)
    ap.add_argument("--uniform-from", type=int, default=4)
    ap.add_argument("--uniform-weight", type=float, default=0.1)
    ap.add_argument("--lr", type=float, default=1e-3)
    args = ap.parse_args()

    torch.manual_seed(5)
    clouds = make_shapes(768, 96, torch.Generator().manual_seed(5))
    enc, dec = PointNet(), Decoder()
    params = list(enc.parameters()) + list(dec.parameters())
    opt = torch.optim.Adam(params, lr=args.lr)
    for epoch in range(args.epochs):
        total = 0.0
        for idx in torch.randperm(len(clouds)).split(32):
            x = clouds[idx]
            rec = dec(enc(x))
            loss = chamfer(rec, x)
            if epoch >= args.uniform_from:
                loss = loss + args.uniform_weight * uniformity(rec)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        print(f"epoch {epoch:02d}  loss {total / len(clouds):.5f}")


if __name__ == "__main__":
    main()
