"""KL term of the VAE has the wrong sign; loss runs to -1e14.

[truth]
family = "unstable_loss"
causes = ["unbounded_loss"]
"""
# VAE for absorption spectra (3 gaussian lines on a flat continuum)
import numpy as np
import torch
from torch import nn, optim
torch.set_num_threads(1)

rng = np.random.default_rng(5)
wav = np.linspace(0, 1, 100)

def spectrum():
    s = np.ones_like(wav)
    for c in (0.25, 0.5, 0.75):
        s -= rng.uniform(0.1, 0.8) * np.exp(-0.5 * ((wav - c - rng.normal(0, 0.02)) / 0.03) ** 2)
    return s + rng.normal(0, 0.01, wav.shape)

data = torch.tensor(np.stack([spectrum() for _ in range(4000)]), dtype=torch.float32)

class VAE(nn.Module):
    def __init__(self, nz=6):
        super().__init__()
        self.e = nn.Sequential(nn.Linear(100, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU())
        self.mu, self.lv = nn.Linear(128, nz), nn.Linear(128, nz)
        self.d = nn.Sequential(nn.Linear(nz, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 100))
    def forward(self, x):
        h = self.e(x)
        mu, lv = self.mu(h), self.lv(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * lv)
        return self.d(z), mu, lv

def elbo_loss(x, xr, mu, lv, beta=1.0):
    rec = 0.5 * ((x - xr) ** 2).sum(1) / 0.05 ** 2
    kl = 0.5 * torch.sum(1 + lv - mu ** 2 - lv.exp(), dim=1)
    return (rec + beta * kl).mean(), rec.mean(), kl.mean()

torch.manual_seed(5)
vae = VAE()
opt = optim.Adam(vae.parameters(), lr=1e-3)
for ep in range(30):
    for i in torch.randperm(4000).split(100):
        x = data[i]
        xr, mu, lv = vae(x)
        loss, r, k = elbo_loss(x, xr, mu, lv)
        opt.zero_grad(); loss.backward(); opt.step()
    print('epoch %2d  loss %12.4e  rec %10.3e  kl %10.3e' % (ep, loss.item(), r.item(), k.item()))
