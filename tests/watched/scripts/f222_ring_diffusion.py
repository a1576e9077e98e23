"""Trains a denoising diffusion model of points on a ring, pulled now and then onto its own running average.

[truth]
family = "corrupted_state"
causes = ["corrupted_weights", "division_by_zero"]
step = 180
phase = "state"
"""
import math

import torch
from torch import nn

STEPS = 50
betas = torch.linspace(1e-3, 0.12, STEPS)
keep = torch.cumprod(1 - betas, 0)


class Average:
    def __init__(self, model, decay=0.97):
        self.model, self.decay = model, decay
        self.restart()

    def restart(self):
        self.count = 0
        self.sums = {k: torch.zeros_like(v) for k, v in self.model.named_parameters()}

    @torch.no_grad()
    def add(self):
        self.count += 1
        for k, v in self.model.named_parameters():
            self.sums[k].mul_(self.decay).add_(v, alpha=1 - self.decay)

    @torch.no_grad()
    def pull(self):
        for k, v in self.model.named_parameters():
            v.copy_(self.sums[k] / (1 - self.decay ** self.count))  # <- culprit


class Denoiser(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2))

    def forward(self, x, t):
        a = t.float()[:, None] / STEPS
        feats = torch.cat([x, a, torch.sin(6 * a), torch.cos(6 * a), a * a], 1)
        return self.net(feats)


def ring(n):
    a = 2 * math.pi * torch.rand(n)
    r = 1 + 0.05 * torch.randn(n)
    return torch.stack([r * a.cos(), r * a.sin()], 1)


def main():
    torch.manual_seed(14)
    model = Denoiser()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    avg = Average(model)
    for it in range(400):
        if it and it % 90 == 0:
            avg.restart()
        if it and it % 60 == 0:
            avg.pull()
        x0 = ring(128)
        t = torch.randint(0, STEPS, (128,))
        noise = torch.randn_like(x0)
        k = keep[t][:, None]
        loss = (model(k.sqrt() * x0 + (1 - k).sqrt() * noise, t) - noise).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        avg.add()
        if it % 30 == 0:
            print(it, f"{loss.item():.4f}")


main()
