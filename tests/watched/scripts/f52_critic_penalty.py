"""Wasserstein GAN with a gradient penalty on a ring of points.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient"]
step = 118
window = 0
phase = "backward"
"""
import math

import torch
from torch import nn, optim


def ring(n):
    a = 2 * math.pi * torch.rand(n)
    return torch.stack([a.cos(), a.sin()], 1) + 0.05 * torch.randn(n, 2)


class GAN:
    def __init__(self, latent=4, lam=10.0):
        self.latent, self.lam = latent, lam
        self.critic = nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 4), nn.ReLU(),
                                    nn.Linear(4, 1))
        self.generator = nn.Sequential(nn.Linear(latent, 24), nn.ReLU(), nn.Linear(24, 2))
        self.opt_c = optim.Adam(self.critic.parameters(), lr=2e-3, betas=(0.5, 0.9))
        self.opt_g = optim.Adam(self.generator.parameters(), lr=1e-3, betas=(0.5, 0.9))

    def penalty(self, real, fake):
        mix = torch.rand(len(real), 1)
        x = (mix * real + (1 - mix) * fake).requires_grad_(True)
        grad, = torch.autograd.grad(self.critic(x).sum(), x, create_graph=True)
        length = torch.sqrt((grad**2).sum(1))  # <- culprit
        return ((length - 1) ** 2).mean()

    def train_critic(self, real):
        fake = self.generator(torch.randn(len(real), self.latent)).detach()
        loss = self.critic(fake).mean() - self.critic(real).mean()
        loss = loss + self.lam * self.penalty(real, fake)
        self.opt_c.zero_grad()
        loss.backward()
        self.opt_c.step()
        return loss.item()

    def train_generator(self, n):
        loss = -self.critic(self.generator(torch.randn(n, self.latent))).mean()
        self.opt_g.zero_grad()
        loss.backward()
        self.opt_g.step()
        return loss.item()


torch.manual_seed(11)
gan = GAN()
for it in range(130):
    c = gan.train_critic(ring(32))
    if it % 3 == 2:
        g = gan.train_generator(32)
    if it % 15 == 14:
        print(f"iteration {it + 1}: critic {c:.4f} generator {g:.4f}")
