"""Trains a Wasserstein GAN with gradient penalty that forges dots on two crescents.

[truth]
family = "healthy"
causes = []
"""
import math

import torch
from torch import nn

torch.manual_seed(8)


def real(n):
    a = torch.rand(n) * math.pi
    up = torch.rand(n) < 0.5
    x = torch.where(up, torch.cos(a), 1 - torch.cos(a))
    y = torch.where(up, torch.sin(a), 0.5 - torch.sin(a))
    return torch.stack([x, y], 1) + 0.05 * torch.randn(n, 2)


def mlp(i, o):
    return nn.Sequential(nn.Linear(i, 64), nn.LeakyReLU(0.1), nn.Linear(64, 64), nn.LeakyReLU(0.1), nn.Linear(64, o))


def penalty(critic, a, b):
    eps = torch.rand(len(a), 1)
    mid = (eps * a + (1 - eps) * b).requires_grad_(True)
    grad, = torch.autograd.grad(critic(mid).sum(), mid, create_graph=True)
    return ((grad.norm(2, dim=1) - 1) ** 2).mean()


def gap(a, b):
    d = lambda u, v: torch.cdist(u, v).mean()
    return (2 * d(a, b) - d(a, a) - d(b, b)).item()


G, D = mlp(4, 2), mlp(2, 1)
og = torch.optim.Adam(G.parameters(), lr=2e-3, betas=(0.5, 0.9))
od = torch.optim.Adam(D.parameters(), lr=2e-3, betas=(0.5, 0.9))

for it in range(300):
    for _ in range(3):
        r = real(128)
        with torch.no_grad():
            f = G(torch.randn(128, 4))
        loss_d = D(f).mean() - D(r).mean() + 1.0 * penalty(D, r, f)
        od.zero_grad()
        loss_d.backward()
        od.step()
    loss_g = -D(G(torch.randn(128, 4))).mean()
    og.zero_grad()
    loss_g.backward()
    og.step()
    if it % 50 == 0 or it == 299:
        with torch.no_grad():
            e = gap(G(torch.randn(500, 4)), real(500))
        print(f"{it} D {loss_d.item():+.3f} G {loss_g.item():+.3f} energy distance {e:.4f}")
