"""REINFORCE with a batch baseline on a small pole-balancing simulator.

[truth]
family = "healthy"
causes = []
"""
import numpy as np
import torch
import torch.nn as nn


class Pole:
    def __init__(self, rng):
        self.rng = rng

    def reset(self):
        self.s = self.rng.uniform(-0.05, 0.05, 4)
        return self.s.astype(np.float32)

    def step(self, action):
        x, xd, th, thd = self.s
        f = 10.0 if action else -10.0
        c, s = np.cos(th), np.sin(th)
        tmp = (f + 0.05 * thd ** 2 * s) / 1.1
        tha = (9.8 * s - c * tmp) / (0.5 * (4 / 3 - 0.1 * c ** 2 / 1.1))
        xa = tmp - 0.05 * tha * c / 1.1
        self.s = self.s + 0.02 * np.array([xd, xa, thd, tha])
        done = abs(self.s[0]) > 2.4 or abs(self.s[2]) > 0.21
        return self.s.astype(np.float32), 1.0, done


def main():
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    env = Pole(rng)
    policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
    opt = torch.optim.Adam(policy.parameters(), lr=0.01)
    recent = []
    for episode_batch in range(50):
        obs, acts, rets = [], [], []
        for _ in range(4):
            o, done, rew = env.reset(), False, []
            while not done and len(rew) < 120:
                with torch.no_grad():
                    a = int(torch.multinomial(torch.softmax(policy(torch.from_numpy(o)), 0), 1))
                obs.append(o)
                acts.append(a)
                o, r, done = env.step(a)
                rew.append(r)
            g, out = 0.0, []
            for r in reversed(rew):
                g = r + 0.99 * g
                out.append(g)
            rets += out[::-1]
            recent.append(len(rew))
        R = torch.tensor(rets)
        adv = R - R.mean()
        logp = torch.log_softmax(policy(torch.from_numpy(np.stack(obs))), 1)
        loss = -(logp[torch.arange(len(acts)), torch.tensor(acts)] * adv).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if episode_batch % 5 == 4:
            print(f"batch {episode_batch + 1}: mean episode length {np.mean(recent[-20:]):.1f}, loss {loss.item():.3f}")


if __name__ == "__main__":
    main()
