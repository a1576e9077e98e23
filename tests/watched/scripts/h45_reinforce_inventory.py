"""REINFORCE for a stochastic inventory problem, episodes in parallel, learned baseline.

[truth]
family = "healthy"
causes = []
"""
import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(9)
rng = np.random.default_rng(9)
policy = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 5))
baseline = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam([{"params": policy.parameters(), "lr": 4e-3}, {"params": baseline.parameters(), "lr": 1e-2}])


def episode(n_env=16, horizon=10):
    stock = rng.integers(0, 20, n_env).astype(float)
    logp, ent, values, rewards = [], [], [], []
    for t in range(horizon):
        obs = torch.tensor(np.stack([stock / 20, np.full(n_env, t / horizon)], 1), dtype=torch.float32)
        dist = Categorical(logits=policy(obs))
        order = dist.sample()
        logp.append(dist.log_prob(order))
        ent.append(dist.entropy())
        values.append(baseline(obs).squeeze(1))
        stock = np.minimum(stock + 4 * order.numpy(), 30)
        demand = rng.poisson(rng.choice([3, 9], n_env))
        sold = np.minimum(stock, demand)
        rewards.append(torch.tensor(2.0 * sold - 1.5 * (demand - sold) - 0.4 * (stock - sold), dtype=torch.float32))
        stock = stock - sold
    g, ret = torch.zeros(n_env), []
    for r in reversed(rewards):
        g = r + 0.9 * g
        ret.append(g)
    return torch.stack(logp), torch.stack(ent), torch.stack(values), torch.stack(ret[::-1]), torch.stack(rewards)


scores = []
for it in range(300):
    logp, ent, v, ret, rew = episode()
    adv = (ret - v).detach() / 10
    loss = -(logp * adv).mean() + 0.005 * (v - ret).pow(2).mean() - 0.01 * ent.mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    scores.append(rew.sum(0).mean().item())
    if it % 30 == 29:
        print(f"{it + 1:4d} loss {loss.item():+8.3f}  score {np.mean(scores[-30:]):8.2f}")
