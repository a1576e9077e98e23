"""Loss rises because beta is annealed up.

[truth]
family = "healthy"
causes = []
"""
"""
beta-VAE with KL warm-up (cyclical free start). Config style follows our internal template.
"""
from types import SimpleNamespace as NS

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)

cfg = NS(
    data=NS(n=5000, side=12, seed=1),
    model=NS(latent=8, hidden=128),
    train=NS(steps=1400, batch=100, lr=1e-3, beta_start=0.0, beta_end=6.0, hold=300, ramp=800),
    seed=0,
)


def blobs(c):
    g = torch.Generator().manual_seed(c.seed)
    p = torch.rand(c.n, 3, 1, 1, generator=g)
    yy, xx = torch.meshgrid(torch.linspace(0, 1, c.side), torch.linspace(0, 1, c.side), indexing="ij")
    r2 = (xx - p[:, 0]) ** 2 + (yy - p[:, 1]) ** 2
    return torch.exp(-r2 / (0.01 + 0.04 * p[:, 2])).flatten(1)


class BetaVAE(nn.Module):
    def __init__(self, d, m):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(d, m.hidden), nn.GELU(), nn.Linear(m.hidden, 2 * m.latent))
        self.dec = nn.Sequential(nn.Linear(m.latent, m.hidden), nn.GELU(), nn.Linear(m.hidden, d))

    def forward(self, x):
        mu, lv = self.enc(x).chunk(2, -1)
        z = mu + torch.randn_like(mu) * (0.5 * lv).exp()
        rec = F.binary_cross_entropy_with_logits(self.dec(z), x, reduction="none").sum(-1)
        ent = F.binary_cross_entropy(x, x, reduction="none").sum(-1)
        kl = -0.5 * (1 + lv - mu.pow(2) - lv.exp()).sum(-1)
        return (rec - ent).mean(), kl.mean()


def beta_at(step, t):
    f = min(1.0, max(0.0, (step - t.hold) / t.ramp))
    return t.beta_start + f * (t.beta_end - t.beta_start)


def main():
    torch.manual_seed(cfg.seed)
    x = blobs(cfg.data)
    net = BetaVAE(x.size(1), cfg.model)
    opt = torch.optim.Adam(net.parameters(), lr=cfg.train.lr)
    for s in range(cfg.train.steps):
        b = beta_at(s, cfg.train)
        rec, kl = net(x[torch.randint(0, len(x), (cfg.train.batch,))])
        loss = rec + b * kl
        opt.zero_grad()
        loss.backward()
        opt.step()
        if s % 100 == 0:
            print(f"step {s} beta {b:.2f} loss {loss.item():.3f} rec {rec.item():.3f} kl {kl.item():.3f}")


main()
