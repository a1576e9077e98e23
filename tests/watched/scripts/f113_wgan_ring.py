"""Wasserstein GAN on eight Gaussians.

[truth]
family = "exploding_gradients"
causes = ["adversarial_imbalance", "unbounded_loss"]
step = 60
window = 60
"""
import math
import torch
import torch.nn as nn


def real(n):
    k = torch.randint(0, 8, (n,)) * (2 * math.pi / 8)
    return 2 * torch.stack([k.cos(), k.sin()], 1) + 0.05 * torch.randn(n, 2)


def mlp(i, o, h=64):
    return nn.Sequential(nn.Linear(i, h), nn.LeakyReLU(0.2), nn.Linear(h, h), nn.LeakyReLU(0.2), nn.Linear(h, o))


torch.manual_seed(0)
G, C = mlp(8, 2), mlp(2, 1)
opt_c = torch.optim.Adam(C.parameters(), lr=1e-3, betas=(0.5, 0.9))
opt_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.9))
BATCH, N_CRITIC, ITERS = 64, 5, 140

for it in range(ITERS):
    for _ in range(N_CRITIC):
        x = real(BATCH)
        with torch.no_grad():
            f = G(torch.randn(BATCH, 8))
        loss_c = C(f).mean() - C(x).mean()
        opt_c.zero_grad()
        loss_c.backward()
        opt_c.step()
    loss_g = -C(G(torch.randn(BATCH, 8))).mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    if it % 10 == 0 or it == ITERS - 1:
        print(f"iter {it:4d}  critic {loss_c.item():12.3f}  gen {loss_g.item():12.3f}")
