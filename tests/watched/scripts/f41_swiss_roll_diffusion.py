"""Trains a denoising diffusion model on a two-dimensional spiral.

[truth]
family = "unstable_loss"
causes = ["division_by_zero"]
step = 47
window = 0
phase = "loss"
"""
import argparse
import math

import torch
import torch.nn as nn


def spiral(n):
    t = 1.5 * math.pi * (1 + 2 * torch.rand(n))
    return torch.stack([t * torch.cos(t), t * torch.sin(t)], 1) / 10


class Denoiser(nn.Module):
    """Predicts the clean point from the noisy one and the time."""

    def __init__(self, width=64):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(3, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2)
        )

    def forward(self, x, t):
        return self.net(torch.cat([x, t[:, None]], dim=1))


def main(opts):
    torch.manual_seed(opts.seed)
    T = opts.timesteps
    alpha_bar = torch.cos(torch.linspace(0, 1, T + 1) * math.pi / 2 * 0.98) ** 2
    model = Denoiser()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for step in range(opts.steps):
        x0 = spiral(opts.batch)
        t = torch.randint(0, T, (opts.batch,))
        ab = alpha_bar[t][:, None]
        noise = torch.randn_like(x0)
        xt = ab.sqrt() * x0 + (1 - ab).sqrt() * noise
        guess = model(xt, t / T)
        eps = (xt - ab.sqrt() * guess) / (1 - ab).sqrt()  # <- culprit
        loss = nn.functional.mse_loss(eps, noise)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 20 == 0:
            print(f"step {step:4d} loss {loss.item():.4f}")


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=140)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--timesteps", type=int, default=1000)
    p.add_argument("--seed", type=int, default=12)
    main(p.parse_args())
