"""DQN with intended head re-initialisation, exploration waves, reward collapse and recovery.

[truth]
family = "healthy"
causes = []
"""
"""DQN on a corridor with a decoy. Head is re-initialised periodically (Nikishin et al. 2022 style), exploration comes in waves."""
import random
from collections import deque
import torch, torch.nn as nn, torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(5); random.seed(5)
LENGTH = 12


def onehot(s):
    return F.one_hot(torch.tensor(s), LENGTH).float()


def step(s, a):
    s2 = max(0, s - 1) if a == 0 else min(LENGTH - 1, s + 1)
    if s2 == LENGTH - 1:
        return s2, 10.0, True
    if s2 == 0:
        return s2, 0.3, True
    return s2, -0.01, False


class Q(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(LENGTH, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.head = nn.Linear(64, 2)

    def forward(self, x):
        return self.head(self.trunk(x))


q, tgt = Q(), Q()
tgt.load_state_dict(q.state_dict())
opt = torch.optim.Adam(q.parameters(), lr=1e-3)
buf, returns, updates = deque(maxlen=4000), deque(maxlen=40), 0
for ep in range(180):
    eps = 1.0 if ep % 90 < 25 else 0.08
    s, total = 4, 0.0
    for _ in range(40):
        if random.random() < eps:
            a = random.randrange(2)
        else:
            with torch.no_grad():
                a = int(q(onehot(s)).argmax())
        s2, r, done = step(s, a)
        buf.append((s, a, r, s2, done))
        total += r
        s = s2
        if len(buf) >= 128:
            b = random.sample(buf, 64)
            S, A, R, S2, D = (torch.tensor(c) for c in zip(*b))
            with torch.no_grad():
                y = R + 0.97 * tgt(F.one_hot(S2, LENGTH).float()).max(1).values * (~D)
            loss = F.smooth_l1_loss(q(F.one_hot(S, LENGTH).float()).gather(1, A[:, None]).squeeze(1), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            updates += 1
            if updates % 100 == 0:
                tgt.load_state_dict(q.state_dict())
            if updates % 900 == 0 and updates < 2700:
                q.head.reset_parameters()
                for p in q.head.parameters():
                    opt.state.pop(p, None)
                print("  head reset at update", updates)
        if done:
            break
    returns.append(total)
    if ep % 20 == 19:
        print(f"episode {ep + 1} eps {eps:.2f} mean return {sum(returns) / len(returns):.2f} updates {updates}")
