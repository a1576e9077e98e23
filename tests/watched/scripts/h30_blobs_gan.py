"""Non-saturating GAN with R1 penalty on four blobs.

[truth]
family = "healthy"
causes = []
"""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

CENTRES = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])


def real(n):
    return CENTRES[torch.randint(0, 4, (n,))] + 0.12 * torch.randn(n, 2)


def mlp(i, o, h):
    return nn.Sequential(nn.Linear(i, h), nn.LeakyReLU(0.2), nn.Linear(h, h), nn.LeakyReLU(0.2), nn.Linear(h, o))


@torch.no_grad()
def quality(G):
    x = G(torch.randn(1000, 4))
    d, k = torch.cdist(x, CENTRES).min(1)
    return (d < 0.4).float().mean().item(), len(k[d < 0.4].unique())


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--iters", type=int, default=900)
    ap.add_argument("--batch", type=int, default=128)
    ap.add_argument("--r1", type=float, default=0.2)
    a = ap.parse_args()
    torch.manual_seed(0)
    G, D = mlp(4, 2, 64), mlp(2, 1, 64)
    og = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.0, 0.99))
    od = torch.optim.Adam(D.parameters(), lr=2e-3, betas=(0.0, 0.99))
    for it in range(a.iters):
        x = real(a.batch).requires_grad_(True)
        fake = G(torch.randn(a.batch, 4))
        dx = D(x)
        (gx,) = torch.autograd.grad(dx.sum(), x, create_graph=True)
        d_loss = F.softplus(-dx).mean() + F.softplus(D(fake.detach())).mean() + a.r1 / 2 * gx.pow(2).sum(1).mean()
        od.zero_grad()
        d_loss.backward()
        od.step()
        g_loss = F.softplus(-D(fake)).mean()
        og.zero_grad()
        g_loss.backward()
        og.step()
        if it % 100 == 0 or it == a.iters - 1:
            q, m = quality(G)
            print(f"{it:5d} D {d_loss.item():.3f} G {g_loss.item():.3f} good {q:.2f} modes {m}")


if __name__ == "__main__":
    main()
