"""TD loss rises from 1e-3 to about 0.5 when rewards are found and then declines; episode length
improves 47 -> 12 (optimum about 11).

[truth]
family = "healthy"
causes = []
"""
import random
from collections import deque
import numpy as np
import torch
import torch.nn as nn

# DQN on a noisy corridor. Reward only at the right end.  The TD loss goes UP for a while: that is
# when the first rewards are found.
SEED, N, GAMMA = 0, 10, 0.95
random.seed(SEED); np.random.seed(SEED); torch.manual_seed(SEED)
torch.set_num_threads(1)


class Corridor:
    def reset(self):
        self.s, self.t = 0, 0
        return self.obs()

    def obs(self):
        o = np.zeros(N, dtype=np.float32)
        o[self.s] = 1
        return o

    def step(self, a):
        if random.random() < 0.1:
            a = 1 - a
        self.s = max(0, min(N - 1, self.s + (1 if a else -1)))
        self.t += 1
        done = self.s == N - 1
        return self.obs(), 10.0 if done else 0.0, done, self.t >= 60


def qnet():
    return nn.Sequential(nn.Linear(N, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))


q, target = qnet(), qnet()
target.load_state_dict(q.state_dict())
opt = torch.optim.Adam(q.parameters(), lr=1e-3)
memory = deque(maxlen=5000)
env, steps, wins = Corridor(), 0, deque(maxlen=20)
for episode in range(90):
    s, total = env.reset(), 0.0
    eps = max(0.05, 1.0 - episode / 50)
    while True:
        if random.random() < eps:
            a = random.randint(0, 1)
        else:
            with torch.no_grad():
                a = int(q(torch.from_numpy(s)).argmax())
        s2, r, done, timeout = env.step(a)
        memory.append((s, a, r, s2, float(done)))
        s, total = s2, total + r
        steps += 1
        if len(memory) >= 200 and steps % 2 == 0:
            b = random.sample(memory, 32)
            S, A, R, S2, D = (torch.as_tensor(np.array(c)) for c in zip(*b))
            with torch.no_grad():
                y = R.float() + GAMMA * (1 - D.float()) * target(S2).max(1).values
            loss = nn.functional.smooth_l1_loss(q(S).gather(1, A[:, None]).squeeze(1), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        if steps % 100 == 0:
            target.load_state_dict(q.state_dict())
        if done or timeout:
            break
    wins.append(env.t)
    if episode % 10 == 9 and len(memory) >= 200:
        print(f"episode {episode + 1}: mean length {np.mean(wins):.1f} td-loss {loss.item():.4f}")
