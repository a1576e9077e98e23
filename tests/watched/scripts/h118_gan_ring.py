"""GAN oscillation early, samples reach the ring later.

[truth]
family = "healthy"
causes = []
"""
import torch
from torch import nn, optim
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(42)


def ring(n):
    k = torch.randint(0, 8, (n,)) * (2 * torch.pi / 8)
    return torch.stack([k.cos(), k.sin()], 1) * 2 + 0.08 * torch.randn(n, 2)


class G(nn.Module):
    def __init__(self):
        super().__init__()
        self.m = nn.Sequential(nn.Linear(8, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 2))

    def forward(self, z):
        return self.m(z)


class D(nn.Module):
    def __init__(self):
        super().__init__()
        self.m = nn.Sequential(nn.Linear(2, 96), nn.LeakyReLU(0.2), nn.Linear(96, 96), nn.LeakyReLU(0.2), nn.Linear(96, 1))

    def forward(self, x):
        return self.m(x).squeeze(1)


a = torch.arange(8) * (torch.pi / 4)
centres = 2 * torch.stack([a.cos(), a.sin()], 1)
g, d = G(), D()
og = optim.Adam(g.parameters(), lr=1e-3, betas=(0.5, 0.9))
od = optim.Adam(d.parameters(), lr=1e-3, betas=(0.5, 0.9))
for it in range(3000):
    x, f = ring(128), g(torch.randn(128, 8))
    ld = F.softplus(-d(x)).mean() + F.softplus(d(f.detach())).mean()
    od.zero_grad(); ld.backward(); od.step()
    lg = F.softplus(-d(g(torch.randn(128, 8)))).mean()
    og.zero_grad(); lg.backward(); og.step()
    if it % 100 == 0:
        with torch.no_grad():
            s = g(torch.randn(1000, 8))
            near = (torch.cdist(s, centres).min(1).values < 0.4).float().mean()
        print(f"{it} loss_d {ld.item():.3f} loss_g {lg.item():.3f} on ring {near:.2f}")
