"""REINFORCE on a noisy bandit: the loss jumps around zero and says little.

[truth]
family = "healthy"
causes = []
"""
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(11)
arms = torch.linspace(-1, 1, 6)
policy = nn.Sequential(nn.Linear(3, 24), nn.Tanh(), nn.Linear(24, 6))
value = nn.Sequential(nn.Linear(3, 24), nn.Tanh(), nn.Linear(24, 1))
opt = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=1e-2)

total = 0.0
for episode in range(150):
    context = torch.randn(8, 3)
    dist = Categorical(logits=policy(context))
    action = dist.sample()
    reward = arms[action] * context[:, 0] + 2.0 * torch.randn(8)
    advantage = reward - value(context).squeeze(1)
    loss_pi = -(dist.log_prob(action) * advantage.detach()).mean()
    loss = loss_pi + 0.5 * advantage.pow(2).mean() - 0.01 * dist.entropy().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    total += reward.mean().item()
    if episode % 25 == 24:
        print(f"episode {episode + 1} loss {loss.item():+.3f} reward {total / (episode + 1):+.3f}")
