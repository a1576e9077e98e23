"""Advantage actor-critic with separate optimizers on a vectorised corridor environment.

[truth]
family = "exploding_gradients"
causes = ["missing_zero_grad"]
step = 1
window = 12
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical


class Corridor:
    """Walk on a line towards a moving goal; 32 copies at once."""

    def __init__(self, n_env=32, length=20, seed=0):
        self.n, self.length = n_env, length
        self.rng = np.random.default_rng(seed)
        self.pos = np.zeros(n_env)
        self.goal = np.zeros(n_env)
        self.t = np.zeros(n_env, dtype=int)
        self._reset(np.ones(n_env, bool))

    def _reset(self, which):
        k = int(which.sum())
        self.pos[which] = self.rng.uniform(0, self.length, k)
        self.goal[which] = self.rng.uniform(0, self.length, k)
        self.t[which] = 0

    def obs(self):
        o = np.stack([self.pos, self.goal, self.goal - self.pos], 1) / self.length
        return torch.tensor(o, dtype=torch.float32)

    def step(self, a):
        self.pos = np.clip(self.pos + (a - 1) * 1.0 + 0.1 * self.rng.normal(size=self.n), 0, self.length)
        dist = np.abs(self.pos - self.goal)
        r = -dist / self.length + (dist < 1.0)
        self.t += 1
        done = self.t >= 25
        self._reset(done)
        return self.obs(), torch.tensor(r, dtype=torch.float32), torch.tensor(done, dtype=torch.float32)


def mlp(n_out):
    return nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, n_out))


class A2C:
    def __init__(self, gamma=0.95, horizon=8):
        self.env = Corridor()
        self.actor, self.critic = mlp(3), mlp(1)
        self.actor_opt = torch.optim.Adam(self.actor.parameters(), lr=2e-3)
        self.critic_opt = torch.optim.SGD(self.critic.parameters(), lr=2e-2)
        self.gamma, self.horizon = gamma, horizon
        self.obs = self.env.obs()

    def rollout(self):
        obs, logp, ent, rew, done = [], [], [], [], []
        for _ in range(self.horizon):
            pi = Categorical(logits=self.actor(self.obs))
            a = pi.sample()
            obs.append(self.obs)
            logp.append(pi.log_prob(a))
            ent.append(pi.entropy())
            self.obs, r, d = self.env.step(a.numpy())
            rew.append(r)
            done.append(d)
        return torch.stack(obs), torch.stack(logp), torch.stack(ent), torch.stack(rew), torch.stack(done)

    def update(self):
        obs, logp, ent, rew, done = self.rollout()
        with torch.no_grad():
            ret = self.critic(self.obs).squeeze(-1)
            returns = torch.empty_like(rew)
            for t in reversed(range(self.horizon)):
                ret = rew[t] + self.gamma * (1 - done[t]) * ret
                returns[t] = ret
        value = self.critic(obs).squeeze(-1)
        critic_loss = F.mse_loss(value, returns)
        critic_loss.backward()
        self.critic_opt.step()

        adv = returns - value.detach()
        actor_loss = -(logp * adv).mean() - 0.01 * ent.mean()
        self.actor_opt.zero_grad()
        actor_loss.backward()
        self.actor_opt.step()
        return critic_loss.item(), rew.mean().item()


if __name__ == "__main__":
    torch.manual_seed(0)
    agent = A2C()
    for it in range(110):
        c, r = agent.update()
        if it % 10 == 0:
            print(f"update {it:4d}  critic {c:.4f}  reward {r:+.3f}")
