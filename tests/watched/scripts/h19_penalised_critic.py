"""Trains a critic with a gradient penalty (double backward) in a smooth form.

[truth]
family = "healthy"
causes = []
"""
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Settings:
    steps: int = 100
    batch: int = 24
    weight: float = 5.0
    lr: float = 1e-3


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(3, 32), nn.Softplus(), nn.Linear(32, 1))

    def forward(self, x):
        return self.f(x)


def penalty(critic, x):
    x = x.requires_grad_(True)
    g = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
    return (g.pow(2).sum(1).add(1e-12).sqrt() - 1).pow(2).mean()


def run(s: Settings):
    torch.manual_seed(19)
    critic = Critic()
    opt = torch.optim.Adam(critic.parameters(), lr=s.lr, betas=(0.5, 0.99))
    for k in range(s.steps):
        a = torch.randn(s.batch, 3)
        b = torch.randn(s.batch, 3) + torch.tensor([1.5, 0.0, -1.0])
        mix = torch.rand(s.batch, 1)
        loss = critic(a).mean() - critic(b).mean()
        loss = loss + s.weight * penalty(critic, mix * a + (1 - mix) * b)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if k % 20 == 0:
            print(k, f"{loss.item():+.4f}")


run(Settings())
