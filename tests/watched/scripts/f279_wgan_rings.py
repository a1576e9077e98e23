"""WGAN critic without Lipschitz bound (no clipping/penalty); critic output and gradients run
away, generator thrown around.

[truth]
family = "exploding_gradients"
causes = ["adversarial_imbalance"]
"""
"""Toy WGAN on two concentric rings. Homework 4, Q3."""
import math
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(1234)


def sample_real(n):
    theta = torch.rand(n) * 2 * math.pi
    r = torch.where(torch.rand(n) < 0.5, torch.full((n,), 1.0), torch.full((n,), 2.0))
    r = r + 0.05 * torch.randn(n)
    return torch.stack([r * theta.cos(), r * theta.sin()], dim=1)


def mlp(i, o, h=128):
    return nn.Sequential(nn.Linear(i, h), nn.LeakyReLU(0.2), nn.Linear(h, h), nn.LeakyReLU(0.2),
                         nn.Linear(h, h), nn.LeakyReLU(0.2), nn.Linear(h, o))


G = mlp(8, 2)
D = mlp(2, 1)
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3)
opt_d = torch.optim.Adam(D.parameters(), lr=2e-3)
n_critic = 5
bs = 256

for it in range(260):
    for _ in range(n_critic):
        x = sample_real(bs)
        with torch.no_grad():
            fake = G(torch.randn(bs, 8))
        loss_d = D(fake).mean() - D(x).mean()
        opt_d.zero_grad()
        loss_d.backward()
        opt_d.step()
    loss_g = -D(G(torch.randn(bs, 8))).mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    if it % 20 == 0:
        with torch.no_grad():
            rad = G(torch.randn(1000, 8)).norm(dim=1)
        print(f"iter {it:4d}  W-estimate {-loss_d.item():.3f}  loss_g {loss_g.item():.3f}  radius {rad.mean():.2f}+-{rad.std():.2f}")
