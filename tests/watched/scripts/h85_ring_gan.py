"""GAN that learns a ring of eight Gaussians.

[truth]
family = "healthy"
causes = []
"""
import math
import torch
from torch import nn, optim
import torch.nn.functional as F

torch.manual_seed(42)
LATENT = 8


def real(n):
    k = torch.randint(0, 8, (n,)).float() * (2 * math.pi / 8)
    return torch.stack([k.cos(), k.sin()], 1) * 2 + 0.08 * torch.randn(n, 2)


def mlp(i, o, act):
    return nn.Sequential(nn.Linear(i, 64), act(), nn.Linear(64, 64), act(), nn.Linear(64, o))


G, D = mlp(LATENT, 2, nn.ReLU), mlp(2, 1, lambda: nn.LeakyReLU(0.2))
opt_g = optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_d = optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))

for it in range(900):
    x = real(128).requires_grad_(True)
    fake = G(torch.randn(128, LATENT))
    dr, df = D(x), D(fake.detach())
    gp = torch.autograd.grad(dr.sum(), x, create_graph=True)[0].pow(2).sum(1).mean()
    loss_d = F.softplus(-dr).mean() + F.softplus(df).mean() + 0.1 * gp
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    loss_g = F.softplus(-D(G(torch.randn(128, LATENT)))).mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()

    if it % 100 == 0 or it == 899:
        with torch.no_grad():
            s = G(torch.randn(2000, LATENT))
            rad = s.norm(dim=1)
        print(f"[{it}] d={loss_d.item():.3f} g={loss_g.item():.3f} radius={rad.mean():.2f}+-{rad.std():.2f}")
