"""Trains a snapshot ensemble of small CNNs on procedural textures with warm restarts.

[truth]
family = "healthy"
causes = []
"""
import copy
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def textures(n, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(6, (n,), generator=g)
    yy, xx = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    ang = y * math.pi / 6 + 0.15 * torch.randn(n, generator=g)
    freq = 0.8 + 0.3 * torch.rand(n, generator=g)
    phase = 6.28 * torch.rand(n, generator=g)
    arg = freq[:, None, None] * (xx * ang.cos()[:, None, None] + yy * ang.sin()[:, None, None]) + phase[:, None, None]
    img = torch.sin(arg) + 1.4 * torch.randn(n, 16, 16, generator=g)
    return img[:, None], y


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        )
        self.c = nn.Linear(32, 6)

    def forward(self, x):
        return self.c(self.f(x).flatten(1))


def main():
    torch.manual_seed(0)
    xtr, ytr = textures(3000, 1)
    xte, yte = textures(800, 2)
    model = SmallCNN()
    opt = torch.optim.SGD(model.parameters(), lr=0.6, momentum=0.9, nesterov=True, weight_decay=5e-4)
    cycle = 4
    steps = len(xtr) // 50
    sched = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=cycle * steps, eta_min=1e-4)
    snapshots = []
    for epoch in range(3 * cycle):
        model.train()
        total = 0.0
        for b in torch.randperm(len(xtr)).view(steps, -1):
            loss = F.cross_entropy(model(xtr[b]), ytr[b])
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            acc = (model(xte).argmax(1) == yte).float().mean().item()
        print(f"epoch {epoch:2d}  lr {opt.param_groups[0]['lr']:.4f}  loss {total / steps:.4f}  acc {acc:.3f}")
        if (epoch + 1) % cycle == 0:
            snapshots.append(copy.deepcopy(model))
            with torch.no_grad():
                p = sum(m(xte).softmax(1) for m in snapshots)
            print(f"   -> {len(snapshots)} snapshots, ensemble acc {(p.argmax(1) == yte).float().mean().item():.3f}")


if __name__ == "__main__":
    main()
