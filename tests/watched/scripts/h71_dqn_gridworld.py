"""Trains a DQN on a small key-and-door grid world.

[truth]
family = "healthy"
causes = []
"""
import random
from collections import deque, namedtuple
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

Transition = namedtuple("Transition", "state action reward next_state done")


@dataclass
class DQNConfig:
    episodes: int = 260
    gamma: float = 0.97
    lr: float = 1e-3
    batch_size: int = 32
    buffer: int = 5000
    target_every: int = 200
    eps: tuple = (1.0, 0.05, 2500)
    max_steps: int = 60
    seed: int = 4


class KeyDoor:
    """6x6 grid. Pick up the key (+10), then reach the door (+50). Traps cost -20. Each move costs -1."""

    N = 6
    KEY, DOOR = (0, 5), (5, 5)
    TRAPS = {(2, 2), (3, 4), (4, 1)}
    MOVES = [(-1, 0), (1, 0), (0, -1), (0, 1)]

    def reset(self):
        self.pos, self.has_key, self.t = (0, 0), False, 0
        return self.obs()

    def obs(self):
        v = torch.zeros(2 * self.N + 1)
        v[[self.pos[0], self.N + self.pos[1]]] = 1
        v[-1] = float(self.has_key)
        return v

    def step(self, a):
        r, c = self.pos[0] + self.MOVES[a][0], self.pos[1] + self.MOVES[a][1]
        if 0 <= r < self.N and 0 <= c < self.N:
            self.pos = (r, c)
        reward, done = -1.0, False
        if self.pos == self.KEY and not self.has_key:
            self.has_key, reward = True, 10.0
        elif self.pos in self.TRAPS:
            reward = -20.0
        elif self.pos == self.DOOR and self.has_key:
            reward, done = 50.0, True
        return self.obs(), reward, done


class ReplayBuffer:
    def __init__(self, capacity):
        self.mem = deque(maxlen=capacity)

    push = lambda self, *args: self.mem.append(Transition(*args))

    def sample(self, n):
        b = Transition(*zip(*random.sample(self.mem, n)))
        return (torch.stack(b.state), torch.tensor(b.action), torch.tensor(b.reward),
                torch.stack(b.next_state), torch.tensor(b.done, dtype=torch.float32))


class QNet(nn.Sequential):
    def __init__(self, n_in, n_out):
        super().__init__(nn.Linear(n_in, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, n_out))


class Agent:
    def __init__(self, cfg, n_obs, n_act):
        self.cfg, self.n_act = cfg, n_act
        self.policy, self.target = QNet(n_obs, n_act), QNet(n_obs, n_act)
        self.target.load_state_dict(self.policy.state_dict())
        for p in self.target.parameters():
            p.requires_grad_(False)
        self.opt = torch.optim.Adam(self.policy.parameters(), lr=cfg.lr)
        self.buffer = ReplayBuffer(cfg.buffer)
        self.frames = self.updates = 0

    def epsilon(self):
        start, end, decay = self.cfg.eps
        return start + min(1.0, self.frames / decay) * (end - start)

    def act(self, s, greedy=False):
        if not greedy and random.random() < self.epsilon():
            return random.randrange(self.n_act)
        with torch.no_grad():
            return int(self.policy(s).argmax())

    def learn(self):
        if len(self.buffer.mem) < 4 * self.cfg.batch_size:
            return None
        s, a, r, s2, d = self.buffer.sample(self.cfg.batch_size)
        q = self.policy(s).gather(1, a[:, None]).squeeze(1)
        with torch.no_grad():
            best = self.policy(s2).argmax(1, keepdim=True)
            y = r + self.cfg.gamma * (1 - d) * self.target(s2).gather(1, best).squeeze(1)
        loss = F.mse_loss(q, y)
        self.opt.zero_grad(), loss.backward(), self.opt.step()
        self.updates += 1
        if self.updates % self.cfg.target_every == 0:
            self.target.load_state_dict(self.policy.state_dict())
        return loss.item()


def run_episode(env, agent, train=True):
    s, total, losses = env.reset(), 0.0, []
    for _ in range(agent.cfg.max_steps):
        a = agent.act(s, greedy=not train)
        s2, r, done = env.step(a)
        total += r
        if train:
            agent.buffer.push(s, a, r, s2, done)
            agent.frames += 1
            losses += filter(None, [agent.learn()])
        s = s2
        if done:
            break
    return total, losses


def main():
    cfg = DQNConfig()
    random.seed(cfg.seed)
    torch.manual_seed(cfg.seed)
    env = KeyDoor()
    agent = Agent(cfg, 13, 4)
    recent = deque(maxlen=20)
    for ep in range(cfg.episodes):
        total, losses = run_episode(env, agent)
        recent.append(total)
        if ep % 20 == 19:
            g, _ = run_episode(env, agent, train=False)
            print(f"ep {ep + 1:4d}  return(avg20) {sum(recent) / len(recent):8.2f}  greedy {g:7.2f}  "
                  f"loss {sum(losses) / max(1, len(losses)):9.3f}  eps {agent.epsilon():.2f}")


if __name__ == "__main__":
    main()
