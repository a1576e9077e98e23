"""DQN with target network and sparse reward; value loss is near 0 first, rises when the goal is
found and jumps at target syncs.

[truth]
family = "healthy"
causes = []
"""
"""DQN with a target network on a 5x5 grid, reward only at the goal. The value loss rises once rewards are found."""
import random
from collections import deque
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(0); random.seed(0)
N, GOAL = 5, (4, 4)
MOVES = [(0, 1), (0, -1), (1, 0), (-1, 0)]


def enc(s):
    v = torch.zeros(2 * N); v[s[0]] = 1; v[N + s[1]] = 1
    return v


def env_step(s, a):
    n = (min(max(s[0] + MOVES[a][0], 0), N - 1), min(max(s[1] + MOVES[a][1], 0), N - 1))
    return (n, 10.0, True) if n == GOAL else (n, 0.0, False)


q = nn.Sequential(nn.Linear(2 * N, 64), nn.ReLU(), nn.Linear(64, 4))
target = nn.Sequential(nn.Linear(2 * N, 64), nn.ReLU(), nn.Linear(64, 4))
target.load_state_dict(q.state_dict())
opt = torch.optim.Adam(q.parameters(), lr=2e-3)
mem, updates, lengths = deque(maxlen=20000), 0, deque(maxlen=20)

for episode in range(240):
    s, eps, t = (0, 0), max(0.1, 1 - episode / 100), 0
    while t < 40:
        a = random.randrange(4) if random.random() < eps else int(q(enc(s)).argmax())
        n, r, done = env_step(s, a)
        mem.append((enc(s), a, r, enc(n), done))
        s, t = n, t + 1
        if len(mem) >= 64 and t % 2 == 0:
            b = random.sample(mem, 64)
            S, A, R, S2, D = (torch.stack([x[0] for x in b]), torch.tensor([x[1] for x in b]),
                              torch.tensor([x[2] for x in b]), torch.stack([x[3] for x in b]),
                              torch.tensor([x[4] for x in b]).float())
            with torch.no_grad():
                y = R + 0.9 * (1 - D) * target(S2).max(1)[0]
            loss = nn.functional.mse_loss(q(S).gather(1, A[:, None]).squeeze(1), y)
            opt.zero_grad(); loss.backward(); opt.step()
            updates += 1
            if updates % 60 == 0:
                target.load_state_dict(q.state_dict())
        if done:
            break
    lengths.append(t)
    if episode % 15 == 14:
        print(f"episode {episode + 1} updates {updates} value loss {loss.item():.4f} mean length {sum(lengths) / len(lengths):.1f}")
