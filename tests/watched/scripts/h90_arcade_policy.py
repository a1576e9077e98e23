"""Trains a policy by REINFORCE to catch falling fruit in a tiny arcade game.

[truth]
family = "healthy"
causes = []
"""
import torch
from torch import nn
from torch.distributions import Categorical


class Catch:
    """A batch of games on a 7 x 7 board; the reward comes at the bottom row only."""

    def __init__(self, n, size=7):
        self.n, self.size = n, size

    def reset(self):
        self.row = 0
        self.fruit = torch.randint(0, self.size, (self.n,))
        self.paddle = torch.randint(0, self.size, (self.n,))
        return self.view()

    def view(self):
        f = nn.functional.one_hot(self.fruit, self.size)
        p = nn.functional.one_hot(self.paddle, self.size)
        r = torch.full((self.n, 1), self.row / self.size)
        return torch.cat([f, p, r], 1).float()

    def act(self, a):
        self.paddle = (self.paddle + a - 1).clamp(0, self.size - 1)
        self.row += 1
        done = self.row == self.size - 1
        reward = torch.where(self.paddle == self.fruit, 1.0, -1.0) if done else torch.zeros(self.n)
        return self.view(), reward, done


class Agent:
    def __init__(self):
        self.pi = nn.Sequential(nn.Linear(15, 64), nn.Tanh(), nn.Linear(64, 3))
        self.opt = torch.optim.RMSprop(self.pi.parameters(), lr=3e-3)
        self.baseline = 0.0

    def episode(self, env):
        obs, done = env.reset(), False
        logps, ents, ret = [], [], torch.zeros(env.n)
        while not done:
            dist = Categorical(logits=self.pi(obs))
            a = dist.sample()
            logps.append(dist.log_prob(a))
            ents.append(dist.entropy())
            obs, r, done = env.act(a)
            ret = ret + r
        return torch.stack(logps).sum(0), torch.stack(ents).mean(), ret

    def learn(self, env):
        logp, ent, ret = self.episode(env)
        adv = ret - self.baseline
        self.baseline = 0.9 * self.baseline + 0.1 * ret.mean().item()
        loss = -(logp * adv).mean() - 0.02 * ent
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.item(), ret.mean().item()


torch.manual_seed(0)
env, agent = Catch(64), Agent()
for it in range(400):
    loss, ret = agent.learn(env)
    if it % 40 == 0 or it == 399:
        print(f"iter {it:4d}  loss {loss:+.3f}  return {ret:+.3f}")
