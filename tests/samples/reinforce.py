"""Healthy: the policy-gradient loss is heavy-tailed noise around zero while the return rises."""

# mypy: allow-untyped-calls
import sys

import torch
from torch import nn
from torch.distributions import Categorical
from torch.utils.tensorboard import SummaryWriter

VERDICT = "healthy"
CAUSE = None

EPISODES = 16
HORIZON = 20

torch.manual_seed(24)
torch.set_num_threads(1)

policy = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
writer = SummaryWriter(sys.argv[1])

for update in range(200):
    # A cart on a line: push it left, not at all or right, and keep it near the origin.
    state = torch.stack([4 * torch.rand(EPISODES) - 2, torch.zeros(EPISODES)], 1)
    log_probabilities, rewards, entropies = [], [], []
    for _ in range(HORIZON):
        choice = Categorical(logits=policy(state))
        action = choice.sample()
        velocity = state[:, 1] + 0.2 * (action - 1) + 0.02 * torch.randn(EPISODES)
        state = torch.stack([state[:, 0] + velocity, velocity], 1)
        log_probabilities.append(choice.log_prob(action))
        entropies.append(choice.entropy())
        rewards.append(-state[:, 0].abs().clamp_max(5))
    returns = torch.stack(rewards).flip(0).cumsum(0).flip(0)
    loss = -(torch.stack(log_probabilities) * (returns - returns.mean())).mean()
    optimizer.zero_grad()
    loss.backward()
    grad_norm = nn.utils.clip_grad_norm_(policy.parameters(), 0.5)
    optimizer.step()

    timesteps = (update + 1) * EPISODES * HORIZON
    writer.add_scalar("rollout/ep_rew_mean", torch.stack(rewards).sum(0).mean().item(), timesteps)
    writer.add_scalar("train/policy_gradient_loss", loss.item(), timesteps)
    writer.add_scalar("train/entropy_loss", -torch.stack(entropies).mean().item(), timesteps)
    writer.add_scalar("train/grad_norm", grad_norm.item(), timesteps)

writer.close()
