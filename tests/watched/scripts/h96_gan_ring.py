"""Hinge GAN with spectral norm; D near 2, G oscillates around 0 with changing sign, but the share
of samples near a mode rises from 0 to 0.65 over all 8 modes.

[truth]
family = "healthy"
causes = []
"""
"""Hinge GAN on eight Gaussians in a ring."""
import math
import torch
import torch.nn as nn
from torch.nn.utils import spectral_norm

torch.manual_seed(2)
torch.set_num_threads(1)
MODES = 2 * torch.tensor([[math.cos(a), math.sin(a)] for a in [2 * math.pi * k / 8 for k in range(8)]])


def real(n):
    return MODES[torch.randint(0, 8, (n,))] + 0.1 * torch.randn(n, 2)


G = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
D = nn.Sequential(spectral_norm(nn.Linear(2, 96)), nn.LeakyReLU(0.2), spectral_norm(nn.Linear(96, 96)),
                  nn.LeakyReLU(0.2), nn.Linear(96, 1))
opt_g = torch.optim.Adam(G.parameters(), lr=2e-3, betas=(0.0, 0.9))
opt_d = torch.optim.Adam(D.parameters(), lr=2e-3, betas=(0.0, 0.9))


def quality():
    with torch.no_grad():
        x = G(torch.randn(1000, 8))
        d = torch.cdist(x, MODES)
        return (d.min(1).values < 0.4).float().mean().item(), len(d.argmin(1)[d.min(1).values < 0.4].unique())


for it in range(1200):
    x, z = real(64), torch.randn(64, 8)
    d_loss = torch.relu(1 - D(x)).mean() + torch.relu(1 + D(G(z).detach())).mean()
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    g_loss = -D(G(torch.randn(64, 8))).mean()
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    if it % 100 == 0 or it == 1199:
        q, modes = quality()
        print(f"{it:5d}  D {d_loss.item():.3f}  G {g_loss.item():+.3f}   near a mode {q:.2f}, modes {modes}")
