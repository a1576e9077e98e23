"""Unclipped importance ratios over 40 epochs on the same rollout explode; policy destroyed
(return -109 -> -1000).

[truth]
family = "exploding_gradients"
causes = ["policy_ratio_explosion"]
"""
"""Off-policy actor-critic for a 2-d point reacher, several passes over every rollout."""
import argparse
import torch
from torch import nn
from torch.distributions import Normal

torch.set_num_threads(1)


class PointEnv:
    def __init__(self, n):
        self.n = n

    def reset(self):
        self.pos = torch.rand(self.n, 2) * 4 - 2
        self.goal = torch.rand(self.n, 2) * 2 - 1
        self.t = 0
        return torch.cat([self.pos, self.goal], -1)

    def step(self, a):
        self.pos = self.pos + 0.2 * a.clamp(-2, 2)
        self.t += 1
        dist = (self.pos - self.goal).pow(2).sum(-1)
        rew = -dist - 0.01 * a.pow(2).sum(-1)
        return torch.cat([self.pos, self.goal], -1), rew, self.t >= 25


class ActorCritic(nn.Module):
    def __init__(self, obs=4, act=2, h=64):
        super().__init__()
        self.pi = nn.Sequential(nn.Linear(obs, h), nn.Tanh(), nn.Linear(h, h), nn.Tanh(), nn.Linear(h, act))
        self.v = nn.Sequential(nn.Linear(obs, h), nn.Tanh(), nn.Linear(h, h), nn.Tanh(), nn.Linear(h, 1))
        self.log_std = nn.Parameter(torch.zeros(act))

    def dist(self, o):
        return Normal(self.pi(o), self.log_std.exp())


def rollout(env, ac, gamma):
    o = env.reset()
    O, A, L, R, done = [], [], [], [], False
    with torch.no_grad():
        while not done:
            d = ac.dist(o)
            a = d.sample()
            O.append(o), A.append(a), L.append(d.log_prob(a).sum(-1))
            o, r, done = env.step(a)
            R.append(r)
    ret, acc = [], torch.zeros(env.n)
    for r in reversed(R):
        acc = r + gamma * acc
        ret.append(acc)
    ret = torch.stack(ret[::-1])
    return torch.stack(O).flatten(0, 1), torch.stack(A).flatten(0, 1), torch.stack(L).flatten(), ret.flatten(), torch.stack(R)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--updates", type=int, default=10)
    p.add_argument("--epochs", type=int, default=40)
    p.add_argument("--minibatch", type=int, default=256)
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--gamma", type=float, default=0.95)
    p.add_argument("--seed", type=int, default=3)
    args = p.parse_args()
    torch.manual_seed(args.seed)
    env, ac = PointEnv(64), ActorCritic()
    optim = torch.optim.Adam(ac.parameters(), lr=args.lr)
    for u in range(args.updates):
        obs, act, logp_old, ret, rews = rollout(env, ac, args.gamma)
        ret_n = (ret - ret.mean()) / (ret.std() + 1e-6)
        with torch.no_grad():
            adv = ret_n - ac.v(obs).squeeze(-1)
            adv = (adv - adv.mean()) / (adv.std() + 1e-6)
        for _ in range(args.epochs):
            for idx in torch.randperm(len(obs)).split(args.minibatch):
                logp = ac.dist(obs[idx]).log_prob(act[idx]).sum(-1)
                ratio = torch.exp(logp - logp_old[idx])
                pi_loss = -(ratio * adv[idx]).mean()
                v_loss = (ac.v(obs[idx]).squeeze(-1) - ret_n[idx]).pow(2).mean()
                loss = pi_loss + 0.5 * v_loss
                optim.zero_grad()
                loss.backward()
                optim.step()
        print(f"update {u:3d} return {rews.sum(0).mean():9.2f} pi_loss {pi_loss.item():10.3e} "
              f"v_loss {v_loss.item():.3f} std {ac.log_std.exp().mean():.3f}")


if __name__ == "__main__":
    main()
