"""DQN for level control of a leaking water tank, observations normalised by a running-statistics layer.

[truth]
family = "corrupted_state"
causes = ["poisoned_buffers"]
step = 31
window = 0
phase = "state"
"""
import random
from collections import deque

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class RunningNorm(nn.Module):
    def __init__(self, dim, momentum=0.05):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("var", torch.ones(dim))

    @torch.no_grad()
    def update(self, x):
        self.mean.lerp_(x.mean(0), self.momentum)
        self.var.lerp_(x.var(0), self.momentum)  # <- culprit

    def forward(self, x):
        return (x - self.mean) / torch.sqrt(self.var + 1e-5)


class QNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = RunningNorm(3)
        self.f = nn.Sequential(nn.Linear(3, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 3))

    def forward(self, x):
        return self.f(self.norm(x))


class Tank:
    def __init__(self, rng):
        self.rng = rng

    def reset(self):
        self.level, self.target, self.t = self.rng.uniform(6, 94), self.rng.uniform(30, 70), 0
        return self._obs()

    def _obs(self):
        return np.array([self.level, self.target, self.level - self.target], dtype=np.float32)

    def step(self, a):
        self.level += (a - 1) * 6.0 - 0.02 * self.level + self.rng.normal(0, 1.0)
        self.t += 1
        spill = self.level < 5 or self.level > 95
        reward = -1.0 if spill else 1.0 - abs(self.level - self.target) / 20
        return self._obs(), reward, spill or self.t >= 20


def main(episodes=40, batch=32, gamma=0.9):
    torch.manual_seed(2)
    random.seed(2)
    rng = np.random.default_rng(2)
    env, q, target = Tank(rng), QNet(), QNet()
    target.load_state_dict(q.state_dict())
    opt = torch.optim.Adam(q.f.parameters(), lr=1e-3)
    memory, returns, eps = deque(maxlen=5000), [], 1.0
    for ep in range(episodes):
        s, done, total, trace = env.reset(), False, 0.0, []
        while not done:
            trace.append(s)
            if random.random() < eps:
                a = random.randrange(3)
            else:
                with torch.no_grad():
                    a = int(q(torch.from_numpy(s)[None]).argmax())
            s2, r, done = env.step(a)
            memory.append((s, a, r, s2, float(done)))
            s, total = s2, total + r
            if len(memory) >= 200:
                b = random.sample(memory, batch)
                S, A, R, S2, D = (torch.as_tensor(np.array(c)) for c in zip(*b))
                with torch.no_grad():
                    y = R.float() + gamma * (1 - D.float()) * target(S2).max(1).values
                loss = F.smooth_l1_loss(q(S).gather(1, A[:, None]).squeeze(1), y)
                opt.zero_grad()
                loss.backward()
                opt.step()
        q.norm.update(torch.from_numpy(np.stack(trace)))
        eps = max(0.05, eps * 0.95)
        returns.append(total)
        if ep % 3 == 0:
            target.load_state_dict(q.state_dict())
        if ep % 10 == 9:
            print("episode", ep + 1, "return", round(float(np.mean(returns[-10:])), 2), "eps", round(eps, 2))


if __name__ == "__main__":
    main()
