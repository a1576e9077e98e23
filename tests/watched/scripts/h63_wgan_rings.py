"""Trains a WGAN-GP on a ring of Gaussians.

[truth]
family = "healthy"
causes = []
"""
import math

import torch
import torch.nn as nn

torch.manual_seed(2023)
Z, BS, N_CRITIC, LAMBDA = 4, 128, 4, 1.0


def real_batch(n):
    k = torch.randint(8, (n,))
    a = k * (2 * math.pi / 8)
    return 4 * torch.stack([a.cos(), a.sin()], 1) + 0.15 * torch.randn(n, 2)


def mlp(i, o, h=96, act=nn.ReLU):
    return nn.Sequential(nn.Linear(i, h), act(), nn.Linear(h, h), act(), nn.Linear(h, h), act(), nn.Linear(h, o))


G, D = mlp(Z, 2), mlp(2, 1, act=lambda: nn.LeakyReLU(0.2))
optG = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.0, 0.9))
optD = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.0, 0.9))


def gradient_penalty(real, fake):
    eps = torch.rand(len(real), 1)
    x = (eps * real + (1 - eps) * fake).requires_grad_(True)
    g, = torch.autograd.grad(D(x).sum(), x, create_graph=True)
    return ((g.norm(dim=1) - 1) ** 2).mean()


@torch.no_grad()
def sliced_w(n=1000, proj=32):
    d = torch.randn(2, proj)
    d = d / d.norm(dim=0)
    a = (real_batch(n) @ d).sort(0).values
    b = (G(torch.randn(n, Z)) @ d).sort(0).values
    return (a - b).abs().mean().item()


for it in range(700):
    for _ in range(N_CRITIC):
        real = real_batch(BS)
        with torch.no_grad():
            fake = G(torch.randn(BS, Z))
        lossD = D(fake).mean() - D(real).mean() + LAMBDA * gradient_penalty(real, fake)
        optD.zero_grad()
        lossD.backward()
        optD.step()

    for p in D.parameters():
        p.requires_grad_(False)
    lossG = -D(G(torch.randn(BS, Z))).mean()
    optG.zero_grad()
    lossG.backward()
    optG.step()
    for p in D.parameters():
        p.requires_grad_(True)

    if it % 50 == 0 or it == 699:
        print(f"{it:4d} D {lossD.item():+.3f} G {lossG.item():+.3f} SW {sliced_w():.3f}")
