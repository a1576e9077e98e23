"""Soft actor-critic with automatic entropy tuning on a vectorised parking task.

[truth]
family = "exploding_gradients"
causes = ["temperature_runaway"]
step = 395
window = 150
"""
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(70)
N, GAMMA, POLYAK, BATCH = 16, 0.95, 0.02, 64
ACT_DIM = 2


def mlp(i, o):
    return nn.Sequential(nn.Linear(i, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, o))


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = mlp(4, 2 * ACT_DIM)

    def forward(self, s):
        mu, log_std = self.net(s).chunk(2, -1)
        std = log_std.clamp(-5, 2).exp()
        u = mu + std * torch.randn_like(mu)
        logp = torch.distributions.Normal(mu, std).log_prob(u) - 2 * (0.6931472 - u - F.softplus(-2 * u))
        return torch.tanh(u), logp.sum(-1)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.q1, self.q2 = mlp(4 + ACT_DIM, 1), mlp(4 + ACT_DIM, 1)

    def forward(self, s, a):
        sa = torch.cat([s, a], -1)
        return self.q1(sa).squeeze(-1), self.q2(sa).squeeze(-1)


actor, critic = Actor(), Critic()
target = copy.deepcopy(critic)
log_alpha = torch.tensor(-1.6, requires_grad=True)
target_entropy = float(ACT_DIM)
pi_opt = torch.optim.Adam(actor.parameters(), lr=1e-3)
q_opt = torch.optim.Adam(critic.parameters(), lr=1e-3)
a_opt = torch.optim.Adam([log_alpha], lr=1e-2)

state = torch.rand(N, 4) * 2 - 1
memory = []
for it in range(900):
    with torch.no_grad():
        act, _ = actor(state)
        vel = 0.8 * state[:, 2:] + 0.3 * act
        nxt = torch.cat([(state[:, :2] + 0.3 * vel).clamp(-2, 2), vel], -1)
        rew = -nxt[:, :2].pow(2).sum(-1)
        memory.append((state, act, rew, nxt))
        lost = torch.rand(N) < 0.05
        state = torch.where(lost[:, None], torch.rand(N, 4) * 2 - 1, nxt)
    if len(memory) < 20:
        continue
    pick = torch.randint(len(memory), (8,)).tolist()
    s, a, r, s2 = (torch.cat(c)[:BATCH * 2] for c in zip(*[memory[i] for i in pick]))
    alpha = log_alpha.exp().detach()

    with torch.no_grad():
        a2, lp2 = actor(s2)
        y = r + GAMMA * (torch.min(*target(s2, a2)) - alpha * lp2)
    q1, q2 = critic(s, a)
    q_loss = F.mse_loss(q1, y) + F.mse_loss(q2, y)
    q_opt.zero_grad()
    q_loss.backward()
    q_opt.step()

    an, lp = actor(s)
    pi_loss = (alpha * lp - torch.min(*critic(s, an))).mean()
    pi_opt.zero_grad()
    pi_loss.backward()
    pi_opt.step()

    a_loss = -(log_alpha * (lp.detach() + target_entropy)).mean()
    a_opt.zero_grad()
    a_loss.backward()
    a_opt.step()

    with torch.no_grad():
        for p, t in zip(critic.parameters(), target.parameters()):
            t.lerp_(p, POLYAK)
    if it % 50 == 0:
        print(f"{it:4d} reward {rew.mean():.3f} q_loss {q_loss.item():.4g} q {q1.mean().item():.4g} logp {lp.mean().item():.3f}")
