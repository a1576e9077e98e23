"""Trains a VAE on synthetic heartbeats with KL annealing, using Accelerate.

[truth]
family = "healthy"
causes = []
"""
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


SIGMA = 0.08


def heartbeats(n):
    t = torch.linspace(0, 1, 64)
    amp = 1 + 0.3 * torch.randn(n, 1)
    loc = 0.4 + 0.06 * torch.randn(n, 1)
    wid = 0.02 + 0.02 * torch.rand(n, 1)
    tw = 0.3 + 0.1 * torch.randn(n, 1)
    x = amp * torch.exp(-((t - loc) / wid) ** 2) + tw * torch.exp(-((t - loc - 0.25) / 0.07) ** 2)
    return x + 0.03 * torch.randn(n, 64)


class VAE(nn.Module):
    def __init__(self, d=64, h=96, z=8):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(d, h), nn.SiLU(), nn.Linear(h, h), nn.SiLU())
        self.mu, self.logvar = nn.Linear(h, z), nn.Linear(h, z)
        self.dec = nn.Sequential(nn.Linear(z, h), nn.SiLU(), nn.Linear(h, h), nn.SiLU(), nn.Linear(h, d))

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return self.dec(z), mu, logvar


def terms(model, x):
    out, mu, logvar = model(x)
    rec = (0.5 * ((x - out) / SIGMA) ** 2).sum(1).mean()
    kl = 0.5 * (mu.pow(2) + logvar.exp() - 1 - logvar).sum(1).mean()
    return rec, kl, (x - out).pow(2).mean()


def beta_at(step, total):
    """Cyclical: stays at 0, ramps to 2, holds; twice."""
    u = (step % (total // 2)) / (total // 2)
    return 2.0 * min(1.0, max(0.0, (u - 0.3) / 0.3))


def main():
    set_seed(4)
    acc = Accelerator(cpu=True, gradient_accumulation_steps=2)
    model = VAE()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    loader = DataLoader(TensorDataset(heartbeats(4000)), batch_size=50, shuffle=True, drop_last=True)
    val = heartbeats(500)
    model, opt, loader = acc.prepare(model, opt, loader)
    epochs, step = 14, 0
    total = epochs * len(loader)
    for epoch in range(epochs):
        seen = []
        for (x,) in loader:
            with acc.accumulate(model):
                rec, kl, _ = terms(model, x)
                loss = rec + beta_at(step, total) * kl
                acc.backward(loss)
                if acc.sync_gradients:
                    acc.clip_grad_norm_(model.parameters(), 50.0)
                opt.step()
                opt.zero_grad()
            seen.append(loss.item())
            step += 1
        with torch.no_grad():
            r, k, m = terms(model, val)
        acc.print(f"epoch {epoch:2d} loss {sum(seen) / len(seen):9.3f} beta {beta_at(step - 1, total):.2f} "
                  f"| val rec {r.item():8.3f} kl {k.item():7.3f} mse {m.item():.5f}")


if __name__ == "__main__":
    main()
