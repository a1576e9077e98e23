"""VAE on bars and dots, float16 autocast, summed likelihood.

[truth]
family = "healthy"
causes = []
"""
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from tqdm import trange


@dataclass
class Config:
    steps: int = 320
    batch: int = 32
    latent: int = 6
    lr: float = 1.5e-3
    beta: float = 1.0
    growth_interval: int = 90
    seed: int = 0


def batch_of(n, g):
    img = torch.zeros(n, 10, 10)
    r = torch.randint(0, 10, (n, 2), generator=g)
    idx = torch.arange(n)
    img[idx, r[:, 0]] = 1.0
    img[idx, :, r[:, 1]] = 1.0
    return img.flatten(1)


class VAE(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(100, 128), nn.SiLU(), nn.Linear(128, 2 * c.latent))
        self.dec = nn.Sequential(nn.Linear(c.latent, 128), nn.SiLU(), nn.Linear(128, 100))

    def forward(self, x):
        mu, logvar = self.enc(x).float().chunk(2, 1)
        logvar = logvar.clamp(-10, 6)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1)
        return self.dec(z).float(), kl


def main(c=Config()):
    torch.manual_seed(c.seed)
    g = torch.Generator().manual_seed(c.seed)
    net = VAE(c)
    opt = torch.optim.Adam(net.parameters(), lr=c.lr)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 14, growth_interval=c.growth_interval)
    bar = trange(c.steps, mininterval=1.0)
    for step in bar:
        x = batch_of(c.batch, g)
        with torch.autocast("cpu", dtype=torch.float16):
            logits, kl = net(x)
        loss = (F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1) + c.beta * kl).mean()
        opt.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()
        scaler.unscale_(opt)
        nn.utils.clip_grad_norm_(net.parameters(), 50.0)
        scaler.step(opt)
        scaler.update()
        if step % 20 == 0:
            bar.set_postfix(elbo=f"{-loss.item():.2f}", scale=scaler.get_scale())
    print("final negative elbo", loss.item(), "scale", scaler.get_scale())


if __name__ == "__main__":
    main()
