"""KL weight 0 for 6 epochs, then ramps to 8: the total loss falls to 18, jumps to 104 when the KL
term sets in (KL was 315), then rises 64 -> 83 with the weight.

[truth]
family = "healthy"
causes = []
"""
"""beta-VAE with a cyclic-free KL warm-up on small synthetic bars."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def bars(n, size=12):
    x = torch.zeros(n, 1, size, size)
    for i in range(n):
        r, c = torch.randint(0, size - 1, (2,))
        x[i, 0, r:r + 2] = 1
        x[i, 0, :, c:c + 2] = 1
    flip = torch.rand_like(x) < 0.02
    return torch.where(flip, 1 - x, x)


class VAE(nn.Module):
    def __init__(self, n_in=144, z=6, h=96):
        super().__init__()
        self.enc = nn.Sequential(nn.Flatten(), nn.Linear(n_in, h), nn.ELU(), nn.Linear(h, 2 * z))
        self.dec = nn.Sequential(nn.Linear(z, h), nn.ELU(), nn.Linear(h, n_in))

    def forward(self, x):
        mu, logvar = self.enc(x).chunk(2, dim=1)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return self.dec(z), mu, logvar


def elbo_terms(x, logits, mu, logvar):
    rec = F.binary_cross_entropy_with_logits(logits, x.flatten(1), reduction="none").sum(1).mean()
    kl = 0.5 * (mu.pow(2) + logvar.exp() - 1 - logvar).sum(1).mean()
    return rec, kl


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--beta", type=float, default=8.0)
    ap.add_argument("--kl_start", type=int, default=5)
    ap.add_argument("--kl_end", type=int, default=12)
    ap.add_argument("--epochs", type=int, default=16)
    args = ap.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(TensorDataset(bars(1600)), batch_size=32, shuffle=True)
    vae = VAE()
    opt = torch.optim.Adam(vae.parameters(), lr=2e-3)
    for epoch in range(args.epochs):
        w = min(1.0, max(0.0, (epoch - args.kl_start) / (args.kl_end - args.kl_start))) * args.beta
        R = K = L = 0.0
        for (x,) in loader:
            rec, kl = elbo_terms(x, *vae(x))
            loss = rec + w * kl
            opt.zero_grad()
            loss.backward()
            opt.step()
            R += rec.item(); K += kl.item(); L += loss.item()
        n = len(loader)
        print(f"epoch {epoch:2d} beta {w:.2f}  loss {L / n:8.2f}  rec {R / n:8.2f}  kl {K / n:8.2f}")
