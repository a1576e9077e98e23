"""Trains an actor-critic on a vectorised 6-D reaching task.

[truth]
family = "exploding_gradients"
causes = ["policy_ratio_explosion"]
step = 30
window = 30
"""
from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.distributions import Normal


@dataclass
class Config:
    n_envs: int = 64
    horizon: int = 32
    dim: int = 6
    gamma: float = 0.97
    lam: float = 0.95
    update_epochs: int = 10
    minibatch: int = 256
    lr: float = 3e-3
    iterations: int = 20
    vf_coef: float = 0.5
    seed: int = 5


class ReachEnv:
    """Move a point to a goal; reward is minus the distance and a small action cost."""

    def __init__(self, cfg):
        self.c = cfg
        self.reset()

    def reset(self):
        self.pos = torch.randn(self.c.n_envs, self.c.dim)
        self.goal = torch.randn(self.c.n_envs, self.c.dim)
        return self.obs()

    def obs(self):
        return torch.cat([self.pos, self.goal], 1)

    def step(self, a):
        self.pos = self.pos + 0.2 * a.clamp(-2, 2)
        dist = (self.pos - self.goal).norm(dim=1)
        return self.obs(), -dist - 0.01 * a.pow(2).sum(1)


class ActorCritic(nn.Module):
    def __init__(self, obs_dim, act_dim):
        super().__init__()
        self.pi = nn.Sequential(nn.Linear(obs_dim, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, act_dim))
        self.v = nn.Sequential(nn.Linear(obs_dim, 64), nn.Tanh(), nn.Linear(64, 1))
        self.log_std = nn.Parameter(torch.full((act_dim,), -1.0))

    def dist(self, obs):
        return Normal(self.pi(obs), self.log_std.exp())


class Agent:
    def __init__(self, cfg):
        torch.manual_seed(cfg.seed)
        self.cfg = cfg
        self.env = ReachEnv(cfg)
        self.net = ActorCritic(2 * cfg.dim, cfg.dim)
        self.optim = torch.optim.Adam(self.net.parameters(), lr=cfg.lr, eps=1e-5)

    @torch.no_grad()
    def rollout(self):
        c = self.cfg
        obs = self.env.reset()
        O, A, LP, R, V = [], [], [], [], []
        for _ in range(c.horizon):
            d = self.net.dist(obs)
            a = d.sample()
            O.append(obs)
            A.append(a)
            LP.append(d.log_prob(a).sum(-1))
            V.append(self.net.v(obs).squeeze(-1))
            obs, r = self.env.step(a)
            R.append(r)
        V.append(self.net.v(obs).squeeze(-1))
        adv, last = [None] * c.horizon, torch.zeros(c.n_envs)
        for t in reversed(range(c.horizon)):
            delta = R[t] + c.gamma * V[t + 1] - V[t]
            last = delta + c.gamma * c.lam * last
            adv[t] = last
        adv = torch.stack(adv)
        ret = adv + torch.stack(V[:-1])
        flat = lambda x: torch.stack(x).flatten(0, 1) if isinstance(x, list) else x.flatten(0, 1)
        return flat(O), flat(A), flat(LP), flat(adv), flat(ret), torch.stack(R).sum(0).mean().item()

    def update(self, obs, act, old_logp, adv, ret):
        adv = (adv - adv.mean()) / (adv.std() + 1e-8)
        stats = []
        for _ in range(self.cfg.update_epochs):
            for idx in torch.randperm(len(obs)).split(self.cfg.minibatch):
                logp = self.net.dist(obs[idx]).log_prob(act[idx]).sum(-1)
                ratio = torch.exp(logp - old_logp[idx])
                policy_loss = -(ratio * adv[idx]).mean()
                value_loss = (self.net.v(obs[idx]).squeeze(-1) - ret[idx]).pow(2).mean()
                loss = policy_loss + self.cfg.vf_coef * value_loss / 100.0
                self.optim.zero_grad()
                loss.backward()
                self.optim.step()
                stats.append((policy_loss.item(), value_loss.item()))
        return stats

    def learn(self):
        for it in range(self.cfg.iterations):
            *batch, ep_ret = self.rollout()
            stats = self.update(*batch)
            pl = [s[0] for s in stats]
            vl = sum(s[1] for s in stats) / len(stats)
            print(f"iter {it:2d} | return {ep_ret:9.2f} | pi loss first {pl[0]:+.4f} last {pl[-1]:+.4f} | v loss {vl:.2f}")


if __name__ == "__main__":
    Agent(Config()).learn()
