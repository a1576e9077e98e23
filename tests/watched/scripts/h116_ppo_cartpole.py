"""PPO; value loss grows with the return, gradients always clipped.

[truth]
family = "healthy"
causes = []
"""
import argparse
import math
import torch
import torch.nn as nn


class VecCartPole:
    def __init__(self, n):
        self.n = n
        self.s = torch.zeros(n, 4)
        self.t = torch.zeros(n)
        self.reset_mask(torch.ones(n, dtype=torch.bool))

    def reset_mask(self, m):
        self.s[m] = 0.1 * torch.rand(int(m.sum()), 4) - 0.05
        self.t[m] = 0

    def step(self, a):
        x, xd, th, thd = self.s.unbind(-1)
        f = 10.0 * (2 * a.float() - 1)
        c, s = th.cos(), th.sin()
        tmp = (f + 0.05 * thd ** 2 * s) / 1.1
        tha = (9.8 * s - c * tmp) / (0.5 * (4 / 3 - 0.1 * c ** 2 / 1.1))
        xa = tmp - 0.05 * tha * c / 1.1
        self.s = torch.stack([x + 0.02 * xd, xd + 0.02 * xa, th + 0.02 * thd, thd + 0.02 * tha], -1)
        self.t += 1
        fail = (self.s[:, 0].abs() > 2.4) | (self.s[:, 2].abs() > 12 * math.pi / 180)
        done = fail | (self.t >= 300)
        lens = self.t[done].clone()
        self.reset_mask(done)
        return self.s.clone(), torch.ones(self.n), done.float(), lens


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        def net(o, gain):
            ls = [nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, o)]
            for l in ls[::2]:
                nn.init.orthogonal_(l.weight, math.sqrt(2)); nn.init.zeros_(l.bias)
            nn.init.orthogonal_(ls[-1].weight, gain)
            return nn.Sequential(*ls)
        self.pi, self.v = net(2, 0.01), net(1, 1.0)


def main(a):
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    env, ac = VecCartPole(a.envs), ActorCritic()
    opt = torch.optim.Adam(ac.parameters(), lr=a.lr, eps=1e-5)
    obs, recent = env.s.clone(), []
    for up in range(a.updates):
        for g in opt.param_groups:
            g["lr"] = a.lr * (1 - up / a.updates)
        O, A, LP, R, D, V = [], [], [], [], [], []
        for _ in range(a.horizon):
            with torch.no_grad():
                d = torch.distributions.Categorical(logits=ac.pi(obs))
                act = d.sample()
                O.append(obs); A.append(act); LP.append(d.log_prob(act)); V.append(ac.v(obs).squeeze(-1))
            obs, r, done, lens = env.step(act)
            R.append(r); D.append(done)
            recent += lens.tolist()
        with torch.no_grad():
            nv = ac.v(obs).squeeze(-1)
        adv, last = [None] * a.horizon, torch.zeros(a.envs)
        for t in reversed(range(a.horizon)):
            delta = R[t] + 0.99 * nv * (1 - D[t]) - V[t]
            last = delta + 0.99 * 0.95 * (1 - D[t]) * last
            adv[t], nv = last, V[t]
        O, A, LP, V, adv = (torch.cat(z) for z in (O, A, LP, V, adv))
        ret = adv + V
        for _ in range(a.epochs):
            for b in torch.randperm(len(O)).split(256):
                d = torch.distributions.Categorical(logits=ac.pi(O[b]))
                ratio = (d.log_prob(A[b]) - LP[b]).exp()
                ad = (adv[b] - adv[b].mean()) / (adv[b].std() + 1e-8)
                pg = -torch.min(ratio * ad, ratio.clamp(0.8, 1.2) * ad).mean()
                vl = (ac.v(O[b]).squeeze(-1) - ret[b]).pow(2).mean()
                loss = pg + 0.5 * vl - 0.01 * d.entropy().mean()
                opt.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(ac.parameters(), 0.5)
                opt.step()
        recent = recent[-50:]
        print(f"update {up} loss {loss.item():.3f} pg {pg.item():.4f} value {vl.item():.3f} len {sum(recent) / max(len(recent), 1):.1f}")


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--envs", type=int, default=16)
    p.add_argument("--horizon", type=int, default=128)
    p.add_argument("--updates", type=int, default=25)
    p.add_argument("--epochs", type=int, default=4)
    p.add_argument("--lr", type=float, default=1.5e-3)
    p.add_argument("--seed", type=int, default=1)
    main(p.parse_args())
