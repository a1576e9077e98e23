"""Trains a discrete soft actor-critic, with automatic entropy tuning, on a synthetic grid world.

[truth]
family = "exploding_gradients"
causes = ["temperature_runaway"]
step = 300
window = 200
"""
import copy
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class GridWorld:
    """7x7 grid, start anywhere, +1 at the goal, -0.05 for bumping a wall; 25 moves at most."""

    SIZE, N_ACTIONS, OBS = 7, 4, 4
    MOVES = [(0, 1), (0, -1), (1, 0), (-1, 0)]

    def reset(self):
        self.pos = [random.randrange(self.SIZE), random.randrange(self.SIZE)]
        self.goal = [random.randrange(self.SIZE), random.randrange(self.SIZE)]
        self.t = 0
        return self.obs()

    def obs(self):
        return [v / (self.SIZE - 1) * 2 - 1 for v in self.pos + self.goal]

    def step(self, a):
        r = 0.0
        for k in (0, 1):
            new = self.pos[k] + self.MOVES[a][k]
            if 0 <= new < self.SIZE:
                self.pos[k] = new
            else:
                r -= 0.05
        self.t += 1
        done = self.pos == self.goal
        return self.obs(), r + float(done), done, done or self.t >= 25


def mlp(i, o, h=64):
    return nn.Sequential(nn.Linear(i, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU(), nn.Linear(h, o))


class SACAgent:
    def __init__(self, env, gamma=0.95, tau=0.02, lr=1e-3, alpha_lr=1e-2):
        self.gamma, self.tau = gamma, tau
        self.actor = mlp(env.OBS, env.N_ACTIONS)
        self.q1, self.q2 = mlp(env.OBS, env.N_ACTIONS), mlp(env.OBS, env.N_ACTIONS)
        self.q1_t, self.q2_t = copy.deepcopy(self.q1), copy.deepcopy(self.q2)
        self.log_alpha = torch.tensor(-2.0, requires_grad=True)
        self.target_entropy = 0.5 * env.N_ACTIONS
        self.actor_opt = torch.optim.Adam(self.actor.parameters(), lr=lr)
        self.critic_opt = torch.optim.Adam([*self.q1.parameters(), *self.q2.parameters()], lr=lr)
        self.alpha_opt = torch.optim.Adam([self.log_alpha], lr=alpha_lr)

    def act(self, obs):
        with torch.no_grad():
            return torch.distributions.Categorical(logits=self.actor(torch.tensor(obs))).sample().item()

    def update(self, s, a, r, s2, d):
        alpha = self.log_alpha.exp().detach()
        with torch.no_grad():
            lp2 = F.log_softmax(self.actor(s2), -1)
            v2 = (lp2.exp() * (torch.minimum(self.q1_t(s2), self.q2_t(s2)) - alpha * lp2)).sum(-1)
            y = r + self.gamma * (1 - d) * v2
        q_loss = sum(F.mse_loss(q(s).gather(1, a[:, None])[:, 0], y) for q in (self.q1, self.q2))
        self.critic_opt.zero_grad()
        q_loss.backward()
        self.critic_opt.step()

        lp = F.log_softmax(self.actor(s), -1)
        with torch.no_grad():
            q = torch.minimum(self.q1(s), self.q2(s))
        pi_loss = (lp.exp() * (alpha * lp - q)).sum(-1).mean()
        self.actor_opt.zero_grad()
        pi_loss.backward()
        self.actor_opt.step()

        entropy = -(lp.exp() * lp).sum(-1).mean().detach()
        alpha_loss = self.log_alpha * (entropy - self.target_entropy)
        self.alpha_opt.zero_grad()
        alpha_loss.backward()
        self.alpha_opt.step()

        for q, qt in ((self.q1, self.q1_t), (self.q2, self.q2_t)):
            for p, pt in zip(q.parameters(), qt.parameters()):
                pt.data.lerp_(p.data, self.tau)
        return q_loss.item(), pi_loss.item(), entropy.item()


def main():
    random.seed(12)
    torch.manual_seed(12)
    env = GridWorld()
    agent, memory, wins = SACAgent(env), [], []
    obs = env.reset()
    for step in range(2200):
        a = agent.act(obs)
        nxt, r, terminal, over = env.step(a)
        memory.append((obs, a, r, nxt, float(terminal)))
        obs = env.reset() if over else nxt
        if over:
            wins.append(terminal)
        if step >= 200:
            s, a, r, s2, d = map(torch.tensor, zip(*random.sample(memory, 64)))
            ql, pl, ent = agent.update(s, a, r, s2, d)
            if step % 200 == 0:
                print(f"env step {step}  q_loss {ql:.4f}  pi_loss {pl:.4f}  entropy {ent:.3f}  "
                      f"alpha {agent.log_alpha.exp().item():.4f}  win rate {sum(wins[-30:]) / 30:.2f}")


if __name__ == "__main__":
    main()
