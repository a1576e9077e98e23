"""Reuses every roll-out of a many-jointed reacher for several importance-weighted updates.

[truth]
family = "exploding_gradients"
causes = ["policy_ratio_explosion"]
step = 3
window = 2
"""
import math

import torch
from torch import nn


class Actor(nn.Module):
    def __init__(self, joints=32):
        super().__init__()
        self.mu = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, joints))
        self.log_std = nn.Parameter(torch.full((joints,), -1.0))

    def log_prob(self, obs, act):
        z = (act - self.mu(obs)) / self.log_std.exp()
        return (-0.5 * z * z - self.log_std - 0.5 * math.log(2 * math.pi)).sum(-1)

    def sample(self, obs):
        mu = self.mu(obs)
        return mu + self.log_std.exp() * torch.randn_like(mu)


def rollout(actor, n=64):
    obs = torch.rand(n, 2) * 2 - 1
    with torch.no_grad():
        act = actor.sample(obs)
        logp = actor.log_prob(obs, act)
    reward = -((obs.sum(1, keepdim=True) - act) ** 2).mean(1)
    return obs, act, logp, reward


def train(iterations=15, epochs=12):
    torch.manual_seed(73)
    actor = Actor()
    opt = torch.optim.SGD(actor.parameters(), lr=0.02)
    for it in range(iterations):
        obs, act, old_logp, reward = rollout(actor)
        adv = (reward - reward.mean()) / (reward.std() + 1e-8)
        for _ in range(epochs):
            ratio = torch.exp(actor.log_prob(obs, act) - old_logp)
            loss = -(ratio * adv).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(f"iteration {it} reward {reward.mean().item():.4f} ratio {ratio.max().item():.3g}")


train()
