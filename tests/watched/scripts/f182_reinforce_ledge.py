"""Trains a policy with REINFORCE on a windy ledge walk.

[truth]
family = "unstable_loss"
causes = ["division_by_zero", "argument_out_of_domain"]
step = 49
window = 0
phase = "loss"
"""
import argparse
from itertools import count

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from torch.distributions import Categorical

parser = argparse.ArgumentParser(description="REINFORCE")
parser.add_argument("--gamma", type=float, default=0.98)
parser.add_argument("--seed", type=int, default=543)
parser.add_argument("--lr", type=float, default=2e-3)
parser.add_argument("--episodes", type=int, default=500)
parser.add_argument("--log-interval", type=int, default=25)
args = parser.parse_args()

torch.manual_seed(args.seed)


class LedgeWalk:
    """Walk along a ledge of width 9. Wind pushes sideways, reward per step kept on the ledge,
    bonus for going forward. Falling off ends the episode."""

    WIDTH = 4
    LENGTH = 30

    def __init__(self, seed):
        self.rng = np.random.RandomState(seed)

    def reset(self):
        self.x = self.rng.uniform(-3.4, 3.4)
        self.y = 0
        self.wind = self.rng.normal(0, 0.3)
        return self._obs()

    def _obs(self):
        return np.array([self.x / self.WIDTH, self.y / self.LENGTH, self.wind], dtype=np.float32)

    def step(self, a):
        self.x += (-0.7, 0.0, 0.7)[a] + self.wind + self.rng.normal(0, 0.15)
        self.wind = 0.9 * self.wind + self.rng.normal(0, 0.2)
        self.y += 1 if a == 1 else 0.5
        off = abs(self.x) > self.WIDTH
        done = off or self.y >= self.LENGTH
        r = 1.0 if a == 1 else 0.5
        return self._obs(), (-2.0 if off else r), done


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(3, 64)
        self.affine2 = nn.Linear(64, 3)
        self.saved_log_probs = []
        self.rewards = []

    def forward(self, x):
        x = torch.tanh(self.affine1(x))
        return torch.softmax(self.affine2(x), dim=1)


env = LedgeWalk(args.seed)
policy = Policy()
optimizer = optim.RMSprop(policy.parameters(), lr=args.lr)
eps = np.finfo(np.float32).eps.item()


def select_action(state):
    probs = policy(torch.from_numpy(state).unsqueeze(0))
    m = Categorical(probs)
    action = m.sample()
    policy.saved_log_probs.append(m.log_prob(action))
    return action.item()


def finish_episode():
    R = 0
    returns = []
    for r in policy.rewards[::-1]:
        R = r + args.gamma * R
        returns.insert(0, R)
    returns = torch.tensor(returns, dtype=torch.float32)
    returns = (returns - returns.mean()) / (returns.std() + eps)  # <- culprit
    policy_loss = [-lp * R for lp, R in zip(policy.saved_log_probs, returns)]
    optimizer.zero_grad()
    loss = torch.cat(policy_loss).sum()
    loss.backward()
    optimizer.step()
    del policy.rewards[:]
    del policy.saved_log_probs[:]


def main():
    running_reward = 0
    for i_episode in range(1, args.episodes + 1):
        state, ep_reward = env.reset(), 0
        for t in count():
            action = select_action(state)
            state, reward, done = env.step(action)
            policy.rewards.append(reward)
            ep_reward += reward
            if done:
                break
        running_reward = 0.05 * ep_reward + 0.95 * running_reward
        finish_episode()
        if i_episode % args.log_interval == 0:
            print("Episode {}\tLast reward: {:.2f}\tAverage reward: {:.2f}".format(i_episode, ep_reward, running_reward))


if __name__ == "__main__":
    main()
