"""Learned entropy temperature runs away: target entropy 0.9*log2(6)=2.33 nats exceeds the maximum
ln(6)=1.79, log_alpha grows without end, Q explodes.

[truth]
family = "exploding_gradients"
causes = ["temperature_runaway"]
"""
"""Discrete soft actor-critic on a toy inventory problem.

Every Monday between 0 and 5 crates can be ordered.
"""
import math
from collections import deque
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
CONFIG = dict(
    env=dict(capacity=12, demand=2.5, hold=0.1, stockout=1.0, price=0.5),
    agent=dict(hidden=64, gamma=0.95, tau=0.01, lr=1e-3, alpha_lr=2e-2, entropy_ratio=0.9),
    train=dict(steps=550, batch=64, warm=200, seed=31),
)


class Inventory:
    n_actions = 6

    def __init__(self, capacity, demand, hold, stockout, price):
        self.c, self.d, self.h, self.s, self.p = capacity, demand, hold, stockout, price
        self.stock, self.week = 4, 0

    def obs(self):
        ph = 2 * math.pi * self.week / 8
        return [self.stock / self.c, math.sin(ph), math.cos(ph)]

    def step(self, a):
        lam = self.d * (1 + 0.5 * math.sin(2 * math.pi * self.week / 8))
        demand = int(torch.poisson(torch.tensor(lam)))
        self.stock = min(self.c, self.stock + a)
        missed = max(0, demand - self.stock)
        self.stock = max(0, self.stock - demand)
        self.week += 1
        return self.obs(), (demand - missed) * self.p - self.h * self.stock - self.s * missed


def mlp(i, h, o):
    return nn.Sequential(nn.Linear(i, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU(), nn.Linear(h, o))


class Agent:
    def __init__(self, n_obs, n_act, hidden, gamma, tau, lr, alpha_lr, entropy_ratio):
        self.gamma, self.tau = gamma, tau
        self.pi, self.q, self.qt = mlp(n_obs, hidden, n_act), mlp(n_obs, hidden, n_act), mlp(n_obs, hidden, n_act)
        self.qt.load_state_dict(self.q.state_dict())
        self.log_alpha = torch.zeros((), requires_grad=True)
        self.target_entropy = entropy_ratio * math.log2(n_act)
        self.opt_pi = torch.optim.Adam(self.pi.parameters(), lr=lr)
        self.opt_q = torch.optim.Adam(self.q.parameters(), lr=lr)
        self.opt_a = torch.optim.Adam([self.log_alpha], lr=alpha_lr)

    def act(self, o):
        with torch.no_grad():
            return int(torch.distributions.Categorical(logits=self.pi(torch.tensor([o]))).sample())

    def update(self, o, a, r, o2):
        alpha = self.log_alpha.exp().detach()
        with torch.no_grad():
            lp2 = F.log_softmax(self.pi(o2), -1)
            v2 = (lp2.exp() * (self.qt(o2) - alpha * lp2)).sum(-1)
            y = r + self.gamma * v2
        q = self.q(o)
        q_loss = F.mse_loss(q.gather(1, a[:, None]).squeeze(1), y)
        self.opt_q.zero_grad()
        q_loss.backward()
        self.opt_q.step()
        lp = F.log_softmax(self.pi(o), -1)
        pi_loss = (lp.exp() * (alpha * lp - q.detach())).sum(-1).mean()
        self.opt_pi.zero_grad()
        pi_loss.backward()
        self.opt_pi.step()
        entropy = -(lp.exp() * lp).sum(-1).detach()
        a_loss = (self.log_alpha.exp() * (entropy - self.target_entropy)).mean()
        self.opt_a.zero_grad()
        a_loss.backward()
        self.opt_a.step()
        with torch.no_grad():
            for p, t in zip(self.q.parameters(), self.qt.parameters()):
                t.lerp_(p, self.tau)
        return q_loss.item(), pi_loss.item(), alpha.item(), entropy.mean().item()


def main(cfg):
    torch.manual_seed(cfg["train"]["seed"])
    random.seed(cfg["train"]["seed"])
    env = Inventory(**cfg["env"])
    agent = Agent(3, env.n_actions, **cfg["agent"])
    buf, o, gain = deque(maxlen=20000), env.obs(), deque(maxlen=200)
    for t in range(cfg["train"]["steps"] + cfg["train"]["warm"]):
        a = agent.act(o)
        o2, r = env.step(a)
        buf.append((o, a, r, o2))
        gain.append(r)
        o = o2
        if t >= cfg["train"]["warm"]:
            s = random.sample(buf, cfg["train"]["batch"])
            stats = agent.update(torch.tensor([x[0] for x in s]), torch.tensor([x[1] for x in s]),
                                 torch.tensor([x[2] for x in s]), torch.tensor([x[3] for x in s]))
            if t % 75 == 0:
                print("t %5d reward %.3f q_loss %.3e pi_loss %.3e alpha %.3e entropy %.3f" % (t, sum(gain) / len(gain), *stats))


main(CONFIG)
