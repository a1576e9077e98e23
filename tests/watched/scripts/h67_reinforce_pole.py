"""Trains a policy with REINFORCE to balance a hand-written cart-pole, one episode per update.

[truth]
family = "healthy"
causes = []
"""
import math
import random
import sys

import torch
import torch.nn as nn
import torch.optim as optim
from torch.distributions import Categorical

random.seed(543)
torch.manual_seed(543)
torch.set_num_threads(1)
GAMMA = 0.99
EPISODES = 300
CAP = 200


class Pole(object):
    """The classical cart-pole equations (Barto, Sutton & Anderson)."""

    def reset(self):
        self.s = [random.uniform(-0.05, 0.05) for _ in range(4)]
        return list(self.s)

    def step(self, action):
        x, xd, th, thd = self.s
        f = 10.0 if action == 1 else -10.0
        c, s = math.cos(th), math.sin(th)
        tmp = (f + 0.05 * thd * thd * s) / 1.1
        acc = (9.8 * s - c * tmp) / (0.5 * (4.0 / 3.0 - 0.1 * c * c / 1.1))
        xacc = tmp - 0.05 * acc * c / 1.1
        self.s = [x + 0.02 * xd, xd + 0.02 * xacc, th + 0.02 * thd, thd + 0.02 * acc]
        fell = abs(self.s[0]) > 2.4 or abs(self.s[2]) > 12 * math.pi / 180
        return list(self.s), 1.0, fell


class Policy(nn.Module):
    def __init__(self):
        super(Policy, self).__init__()
        self.affine1 = nn.Linear(4, 64)
        self.affine2 = nn.Linear(64, 2)
        self.saved_log_probs = []
        self.rewards = []

    def forward(self, x):
        return torch.softmax(self.affine2(torch.relu(self.affine1(x))), dim=-1)


policy = Policy()
optimizer = optim.Adam(policy.parameters(), lr=1e-2)
eps = 1e-8


def select_action(state):
    m = Categorical(policy(torch.tensor(state)))
    action = m.sample()
    policy.saved_log_probs.append(m.log_prob(action))
    return action.item()


def finish_episode():
    R, returns = 0, []
    for r in policy.rewards[::-1]:
        R = r + GAMMA * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    loss = torch.stack([-lp * R for lp, R in zip(policy.saved_log_probs, returns)]).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    del policy.rewards[:]
    del policy.saved_log_probs[:]
    return loss.item()


def main():
    env, running = Pole(), 10.0
    for ep in range(1, EPISODES + 1):
        state, total = env.reset(), 0
        for t in range(CAP):
            state, reward, done = env.step(select_action(state))
            policy.rewards.append(reward)
            total += reward
            if done:
                break
        running = 0.05 * total + 0.95 * running
        loss = finish_episode()
        if ep % 20 == 0:
            print("Episode %d\tLast reward: %.0f\tAverage reward: %.2f\tloss %.3f" % (ep, total, running, loss))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
