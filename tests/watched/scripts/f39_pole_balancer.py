"""Balances a pole with policy gradients and returns normalised per batch.

[truth]
family = "unstable_loss"
causes = ["division_by_zero"]
step = 26
window = 0
phase = "loss"
"""
import torch
from torch import nn
from torch.distributions import Bernoulli


class Pole:
    """A stick that drifts; the agent pushes left or right, 15 ticks at most."""

    def reset(self):
        self.angle = 0.1 * torch.randn(1).item()
        self.ticks = 0
        return torch.tensor([self.angle])

    def step(self, action):
        push = 0.15 if action > 0.5 else -0.15
        self.angle = 1.1 * self.angle + push
        self.ticks += 1
        done = abs(self.angle) > 0.6 or self.ticks >= 15
        return torch.tensor([self.angle]), done


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))

    def act(self, obs):
        dist = Bernoulli(logits=self.net(obs))
        a = dist.sample()
        return a.item(), dist.log_prob(a).squeeze()


def play(env, agent):
    obs, logps, done = env.reset(), [], False
    while not done:
        a, lp = agent.act(obs)
        logps.append(lp)
        obs, done = env.step(a)
    return torch.stack(logps).sum(), float(env.ticks)


def main():
    torch.manual_seed(3)
    env, agent = Pole(), Agent()
    opt = torch.optim.Adam(agent.parameters(), lr=0.03)
    for update in range(60):
        batch = [play(env, agent) for _ in range(6)]
        logps = torch.stack([b[0] for b in batch])
        returns = torch.tensor([b[1] for b in batch])
        adv = (returns - returns.mean()) / returns.std()  # <- culprit
        loss = -(logps * adv).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if update % 5 == 0:
            print(f"update {update:2d}  mean ticks {returns.mean().item():.1f}")


if __name__ == "__main__":
    main()
