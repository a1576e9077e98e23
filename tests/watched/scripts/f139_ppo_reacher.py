"""PPO-style policy optimisation on a one-joint reacher with a state-dependent Gaussian policy.

[truth]
family = "exploding_gradients"
causes = ["policy_ratio_explosion"]
step = 6
window = 10
"""
import argparse

import torch
from torch import nn
from torch.distributions import Normal


class GaussianPolicy(nn.Module):
    def __init__(self, obs=2, act=6, hidden=64):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(obs, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.mu, self.log_std = nn.Linear(hidden, act), nn.Linear(hidden, act)

    def forward(self, s):
        h = self.body(s)
        return Normal(self.mu(h), self.log_std(h).exp())


def dynamics(s, a):
    angle, goal = s[:, :1], s[:, 1:]
    angle = (angle + 0.3 * a.clamp(-1, 1).mean(1, keepdim=True)).clamp(-3, 3)
    return torch.cat([angle, goal], 1), 1.0 - (angle - goal).abs().squeeze(1)


def collect(policy, n, horizon, gamma):
    s = torch.rand(n, 2) * 4 - 2
    S, A, LP, R = [], [], [], []
    with torch.no_grad():
        for _ in range(horizon):
            d = policy(s)
            a = d.sample()
            S.append(s)
            A.append(a)
            LP.append(d.log_prob(a).sum(-1))
            s, r = dynamics(s, a)
            R.append(r)
    ret, out = torch.zeros(n), []
    for r in reversed(R):
        ret = r + gamma * ret
        out.append(ret)
    return torch.cat(S), torch.cat(A), torch.cat(LP), torch.cat(out[::-1]), torch.stack(R).mean().item()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--iterations", type=int, default=4)
    p.add_argument("--inner-epochs", type=int, default=40)
    p.add_argument("--lr", type=float, default=5e-3)
    p.add_argument("--minibatch", type=int, default=128)
    args = p.parse_args()
    torch.manual_seed(4)
    pi = GaussianPolicy()
    vf = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1))
    opt_pi = torch.optim.Adam(pi.parameters(), lr=args.lr)
    opt_vf = torch.optim.Adam(vf.parameters(), lr=1e-2)
    for it in range(args.iterations):
        s, a, old_logp, ret, reward = collect(pi, 32, 8, 0.9)
        for _ in range(20):
            v_loss = (vf(s).squeeze(1) - ret).pow(2).mean()
            opt_vf.zero_grad()
            v_loss.backward()
            opt_vf.step()
        with torch.no_grad():
            adv = ret - vf(s).squeeze(1)
            adv = (adv - adv.mean()) / (adv.std() + 1e-8)
        for _ in range(args.inner_epochs):
            for idx in torch.randperm(len(s)).split(args.minibatch):
                ratio = torch.exp(pi(s[idx]).log_prob(a[idx]).sum(-1) - old_logp[idx])
                surrogate = ratio * adv[idx]
                pi_loss = -surrogate.mean()
                opt_pi.zero_grad()
                pi_loss.backward()
                opt_pi.step()
        print(f"iter {it} reward {reward:.3f} pi_loss {pi_loss.item():.4g} v_loss {v_loss.item():.4g}")


if __name__ == "__main__":
    main()
