"""Denoiser for piezo recordings stored in volts (microvolt signals), with a very loud batch now and then.

[truth]
family = "healthy"
causes = []
"""
import argparse
import math

import torch
import torch.nn as nn

VOLT = 2e-6


def recording(n, length, level):
    t = torch.arange(length).float()
    f = 0.02 + 0.06 * torch.rand(n, 1)
    clean = torch.sin(2 * math.pi * f * t + 6.28 * torch.rand(n, 1)) * torch.exp(-t / length * 2 * torch.rand(n, 1))
    return VOLT * (clean + level * torch.randn(n, length)), VOLT * clean


class Denoiser(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(1, width, 9, padding=4), nn.GELU(),
            nn.Conv1d(width, width, 9, padding=4), nn.GELU(),
            nn.Conv1d(width, 1, 9, padding=4))

    def forward(self, x):
        return VOLT * self.net(x[:, None] / VOLT).squeeze(1)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=570)
    p.add_argument("--hard-every", type=int, default=75, help="augmentation: a very noisy batch every N steps")
    p.add_argument("--hard-level", type=float, default=8.0)
    p.add_argument("--lr", type=float, default=2e-3)
    a = p.parse_args()
    torch.manual_seed(44)
    net = Denoiser()
    opt = torch.optim.Adam(net.parameters(), lr=a.lr, eps=1e-22)
    sched = torch.optim.lr_scheduler.StepLR(opt, 380, gamma=0.1)
    for step in range(a.steps):
        hard = a.hard_every and step % a.hard_every == a.hard_every - 1
        x, y = recording(16, 128, a.hard_level if hard else 0.5)
        loss = nn.functional.mse_loss(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if step % 50 == 0 or hard or step == a.steps - 1:
            print(f"{step:4d}{' hard' if hard else ''} mse {loss.item():.3e} V^2")
    x, y = recording(400, 128, 0.5)
    with torch.no_grad():
        print(f"snr gain {10 * math.log10(((x - y) ** 2).mean() / ((net(x) - y) ** 2).mean()):.1f} dB")


if __name__ == "__main__":
    main()
