"""Cyclical KL annealing: total loss rises within each cycle by design; at beta=1 it falls 33 -> 28
and reconstruction 101 -> 21.

[truth]
family = "healthy"
causes = []
"""
"""VAE on synthetic strokes; KL weight is annealed cyclically 0 -> 1, so the total loss rises within each cycle."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(5)


def strokes(n):
    c = torch.rand(n, 1, 1) * 10 + 1
    slope = torch.rand(n, 1, 1) * 2 - 1
    yy, xx = torch.meshgrid(torch.arange(12.), torch.arange(12.), indexing="ij")
    return torch.sigmoid(4 * (1 - (yy - c - slope * (xx - 6) * 0.5).abs())).flatten(1)


class VAE(nn.Module):
    def __init__(self, d=4):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(144, 96), nn.ReLU(), nn.Linear(96, 2 * d))
        self.dec = nn.Sequential(nn.Linear(d, 96), nn.ReLU(), nn.Linear(96, 144))

    def forward(self, x):
        mu, lv = self.enc(x).chunk(2, 1)
        z = mu + torch.randn_like(mu) * (0.5 * lv).exp()
        rec = F.binary_cross_entropy_with_logits(self.dec(z), x, reduction="none").sum(1)
        kl = 0.5 * (mu ** 2 + lv.exp() - 1 - lv).sum(1)
        return rec.mean(), kl.mean()


vae = VAE()
opt = torch.optim.Adam(vae.parameters(), lr=2e-3)
CYCLE = 250
for it in range(1000):
    beta = min(1.0, (it % CYCLE) / (0.6 * CYCLE))
    rec, kl = vae(strokes(64))
    loss = rec + beta * kl
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 50 == 0:
        print(f"it {it:4d} beta {beta:.2f} loss {loss.item():.2f} rec {rec.item():.2f} kl {kl.item():.2f}")
