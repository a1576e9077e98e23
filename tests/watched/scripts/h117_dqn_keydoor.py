"""Sparse-reward double DQN; loss near zero, learns (win rate 1.0).

[truth]
family = "healthy"
causes = []
"""
# DQN on a 5x5 grid: fetch the key, go to the door, +1 only at the very end
import collections, copy, random
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(2)
random.seed(2)
SIZE, KEY, DOOR = 5, (4, 0), (4, 4)


def encode(pos, has):
    v = torch.zeros(2 * SIZE * SIZE)
    v[has * 25 + pos[0] * SIZE + pos[1]] = 1
    return v


def move(pos, has, a):
    dr, dc = [(-1, 0), (1, 0), (0, -1), (0, 1)][a]
    pos = (min(max(pos[0] + dr, 0), SIZE - 1), min(max(pos[1] + dc, 0), SIZE - 1))
    has = 1 if pos == KEY else has
    win = has == 1 and pos == DOOR
    return pos, has, float(win), win


q = nn.Sequential(nn.Linear(50, 64), nn.ReLU(), nn.Linear(64, 4))
target = copy.deepcopy(q)
opt = torch.optim.Adam(q.parameters(), lr=1e-3)
memory = collections.deque(maxlen=20000)
wins = collections.deque(maxlen=40)
step = 0
for episode in range(260):
    pos, has = (0, 0), 0
    for t in range(60):
        eps = max(0.1, 1 - episode / 140)
        s = encode(pos, has)
        if random.random() < eps:
            a = random.randrange(4)
        else:
            with torch.no_grad():
                a = q(s).argmax().item()
        pos, has, r, done = move(pos, has, a)
        memory.append((s, a, r, encode(pos, has), float(done)))
        step += 1
        if len(memory) > 500 and step % 2 == 0:
            S, A, R, S2, D = zip(*random.sample(memory, 64))
            S, S2 = torch.stack(S), torch.stack(S2)
            A, R, D = torch.tensor(A), torch.tensor(R), torch.tensor(D)
            with torch.no_grad():
                best = q(S2).argmax(1, keepdim=True)
                y = R + 0.95 * (1 - D) * target(S2).gather(1, best).squeeze(1)
            loss = F.smooth_l1_loss(q(S).gather(1, A[:, None]).squeeze(1), y)
            opt.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_value_(q.parameters(), 1.0)
            opt.step()
        if step % 400 == 0:
            target.load_state_dict(q.state_dict())
        if done:
            break
    wins.append(float(done))
    if episode % 20 == 19:
        print("episode", episode, "loss", loss.item(), "win rate", sum(wins) / len(wins))
