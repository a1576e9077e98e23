"""Sign error in the temperature loss: alpha grows exponentially, Q and policy losses diverge.

[truth]
family = "exploding_gradients"
causes = ["temperature_runaway", "gradient_ascent"]
"""
"""Soft actor-critic on a two dimensional reaching task."""
import argparse
import copy

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class Reach:
    def __init__(self, rng):
        self.rng = rng

    def reset(self):
        self.p = self.rng.uniform(-1, 1, 2)
        self.g = self.rng.uniform(-1, 1, 2)
        self.t = 0
        return self.obs()

    def obs(self):
        return np.concatenate([self.p, self.g]).astype(np.float32)

    def step(self, a):
        self.p = np.clip(self.p + 0.15 * a, -1.5, 1.5)
        self.t += 1
        d = np.linalg.norm(self.p - self.g)
        return self.obs(), -d, d < 0.05, self.t >= 40


def mlp(i, o, h=64):
    return nn.Sequential(nn.Linear(i, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU(), nn.Linear(h, o))


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = mlp(4, 4)

    def forward(self, s):
        mu, ls = self.net(s).chunk(2, -1)
        ls = ls.clamp(-5, 2)
        dist = torch.distributions.Normal(mu, ls.exp())
        u = dist.rsample()
        a = torch.tanh(u)
        logp = (dist.log_prob(u) - 2 * (np.log(2) - u - F.softplus(-2 * u))).sum(-1)
        return a, logp


class SAC:
    def __init__(self, cfg):
        self.cfg = cfg
        self.actor = Actor()
        self.q1, self.q2 = mlp(6, 1), mlp(6, 1)
        self.t1, self.t2 = copy.deepcopy(self.q1), copy.deepcopy(self.q2)
        self.log_alpha = torch.tensor(np.log(cfg.alpha), dtype=torch.float32, requires_grad=True)
        self.target_entropy = -2.0
        self.a_opt = torch.optim.Adam(self.actor.parameters(), lr=cfg.lr)
        self.q_opt = torch.optim.Adam([*self.q1.parameters(), *self.q2.parameters()], lr=cfg.lr)
        self.e_opt = torch.optim.Adam([self.log_alpha], lr=cfg.alpha_lr)

    def update(self, s, a, r, s2, d):
        alpha = self.log_alpha.exp().detach()
        with torch.no_grad():
            a2, lp2 = self.actor(s2)
            sa2 = torch.cat([s2, a2], -1)
            q = torch.min(self.t1(sa2), self.t2(sa2)).squeeze(-1) - alpha * lp2
            y = r + self.cfg.gamma * (1 - d) * q
        sa = torch.cat([s, a], -1)
        q_loss = F.mse_loss(self.q1(sa).squeeze(-1), y) + F.mse_loss(self.q2(sa).squeeze(-1), y)
        self.q_opt.zero_grad()
        q_loss.backward()
        self.q_opt.step()

        pa, lp = self.actor(s)
        spa = torch.cat([s, pa], -1)
        qa = torch.min(self.q1(spa), self.q2(spa)).squeeze(-1)
        pi_loss = (alpha * lp - qa).mean()
        self.a_opt.zero_grad()
        pi_loss.backward()
        self.a_opt.step()

        alpha_loss = (self.log_alpha * (lp + self.target_entropy).detach()).mean()
        self.e_opt.zero_grad()
        alpha_loss.backward()
        self.e_opt.step()

        with torch.no_grad():
            for n, t in ((self.q1, self.t1), (self.q2, self.t2)):
                for p, tp in zip(n.parameters(), t.parameters()):
                    tp.lerp_(p, self.cfg.tau)
        return q_loss.item(), pi_loss.item(), alpha.item()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--steps", type=int, default=1700)
    ap.add_argument("--start", type=int, default=200)
    ap.add_argument("--batch", type=int, default=128)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--alpha-lr", type=float, default=5e-3)
    ap.add_argument("--alpha", type=float, default=0.2)
    ap.add_argument("--gamma", type=float, default=0.95)
    ap.add_argument("--tau", type=float, default=0.01)
    ap.add_argument("--seed", type=int, default=0)
    cfg = ap.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    env, agent = Reach(rng), SAC(cfg)
    buf = [np.zeros((cfg.steps, n), np.float32) for n in (4, 2, 1, 4, 1)]
    s, ret, rets = env.reset(), 0.0, []
    for t in range(cfg.steps):
        if t < cfg.start:
            a = rng.uniform(-1, 1, 2)
        else:
            with torch.no_grad():
                a = agent.actor(torch.from_numpy(s)[None])[0][0].numpy()
        s2, r, done, cut = env.step(a)
        for b, v in zip(buf, (s, a, r, s2, done)):
            b[t] = v
        ret += r
        s = s2
        if done or cut:
            rets.append(ret)
            s, ret = env.reset(), 0.0
        if t >= cfg.start:
            i = rng.integers(0, t + 1, cfg.batch)
            S, A, R, S2, D = (torch.from_numpy(b[i]) for b in buf)
            ql, pl, al = agent.update(S, A, R[:, 0], S2, D[:, 0])
            if t % 100 == 0:
                print(f"t={t} q_loss={ql:.4f} pi_loss={pl:.4f} alpha={al:.4f} return={np.mean(rets[-10:]):.2f}")


if __name__ == "__main__":
    main()
