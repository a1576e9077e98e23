"""Trains a tanh-squashed Gaussian policy with PPO on a toy 4-joint reacher.

[truth]
family = "unstable_loss"
causes = ["log_of_zero", "argument_out_of_domain"]
step = 1796
window = 0
phase = "loss"
"""
import math

import torch
import torch.nn as nn
from torch.distributions import Normal


class ReacherVec:
    """B parallel arms with 4 joints; action = joint velocity; reward = -distance to a target."""

    def __init__(self, n, seed):
        self.n, self.g = n, torch.Generator().manual_seed(seed)
        self.reset()

    def reset(self):
        self.q = 0.3 * torch.randn(self.n, 4, generator=self.g)
        ang = 2 * math.pi * torch.rand(self.n, generator=self.g)
        r = 1 + 2 * torch.rand(self.n, generator=self.g)
        self.goal = torch.stack([r * ang.cos(), r * ang.sin()], 1)
        self.t = 0
        return self.obs()

    def tip(self):
        a = self.q.cumsum(1)
        return torch.stack([a.cos().sum(1), a.sin().sum(1)], 1)

    def obs(self):
        return torch.cat([self.q.cos(), self.q.sin(), self.goal, self.goal - self.tip()], 1)

    def step(self, act):
        self.q = self.q + 0.05 * act
        self.t += 1
        reward = -(self.goal - self.tip()).norm(dim=1)
        done = self.t >= 32
        return (self.reset() if done else self.obs()), 0.1 * reward, done


class ActorCritic(nn.Module):
    def __init__(self, obs_dim=12, act_dim=4, hid=64):
        super().__init__()
        self.pi = nn.Sequential(nn.Linear(obs_dim, hid), nn.Tanh(), nn.Linear(hid, hid), nn.Tanh(),
                                nn.Linear(hid, act_dim))
        self.v = nn.Sequential(nn.Linear(obs_dim, hid), nn.Tanh(), nn.Linear(hid, hid), nn.Tanh(), nn.Linear(hid, 1))
        self.log_std = nn.Parameter(torch.full((act_dim,), 0.3))

    def dist(self, o):
        return Normal(self.pi(o), self.log_std.exp())

    def log_prob(self, d, u):
        # change of variables for a = tanh(u)
        a = torch.tanh(u)
        return (d.log_prob(u) - torch.log(1 - a.pow(2))).sum(1)  # <- culprit


def gae(rew, val, done, last, gamma=0.97, lam=0.95):
    adv, run = torch.zeros_like(rew), torch.zeros_like(last)
    for t in reversed(range(len(rew))):
        nxt = last if t == len(rew) - 1 else val[t + 1]
        alive = 1.0 - float(done[t])
        run = rew[t] + gamma * nxt * alive - val[t] + gamma * lam * alive * run
        adv[t] = run
    return adv


def learn(iters=40, horizon=32, envs=32, epochs=8, mb=128, lr=2e-3):
    torch.manual_seed(3)
    env = ReacherVec(envs, 1)
    ac = ActorCritic()
    opt = torch.optim.Adam(ac.parameters(), lr=lr)
    o = env.reset()
    for it in range(iters):
        O, A, R, V, D, LP = [], [], [], [], [], []
        with torch.no_grad():
            for _ in range(horizon):
                d = ac.dist(o)
                u = d.sample()
                o2, r, done = env.step(torch.tanh(u))
                O.append(o); A.append(u); R.append(r); V.append(ac.v(o).squeeze(1)); D.append(done)
                LP.append(ac.log_prob(d, u))
                o = o2
            adv = gae(torch.stack(R), torch.stack(V), D, ac.v(o).squeeze(1))
            ret = (adv + torch.stack(V)).flatten()
        obs, act, logp_old, adv = torch.cat(O), torch.cat(A), torch.cat(LP), adv.flatten()
        adv = (adv - adv.mean()) / (adv.std() + 1e-8)
        for _ in range(epochs):
            for idx in torch.randperm(len(obs)).split(mb):
                d = ac.dist(obs[idx])
                ratio = (ac.log_prob(d, act[idx]) - logp_old[idx]).exp()
                pg = -torch.min(ratio * adv[idx], ratio.clamp(0.8, 1.2) * adv[idx]).mean()
                vf = (ac.v(obs[idx]).squeeze(1) - ret[idx]).pow(2).mean()
                loss = pg + 0.5 * vf - 0.03 * d.entropy().sum(1).mean()
                opt.zero_grad()
                loss.backward()
                opt.step()
        print(f"iter {it:3d}  mean reward {torch.stack(R).mean():8.3f}  pg {pg.item():.4g}  vf {vf.item():.4g}  "
              f"std {ac.log_std.exp().mean().item():.3f}")


if __name__ == "__main__":
    learn()
