"""Acos at cosine exactly 1: infinite derivative, NaN gradient.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient"]
step = 12
phase = "backward"
"""
"""Predict the heading of each agent in a swarm from its neighbours (Vicsek model), message passing network."""
import math
import torch
import torch.nn as nn
import torch.nn.functional as F


def simulate(n_frames, n_agents, g):
    pos = torch.rand(n_agents, 2, generator=g) * 5
    th = torch.rand(n_agents, generator=g) * 2 * math.pi
    out = []
    for _ in range(n_frames):
        d = torch.cdist(pos, pos)
        adj = (d < 1.0).float()
        s, c = adj @ th.sin(), adj @ th.cos()
        nxt = torch.atan2(s, c) + 0.1 * torch.randn(n_agents, generator=g)
        out.append((pos.clone(), th.clone(), adj, nxt.clone()))
        th = nxt
        pos = (pos + 0.2 * torch.stack([th.cos(), th.sin()], -1)) % 5
        if torch.rand(1, generator=g) < 0.1:
            th = torch.rand(n_agents, generator=g) * 2 * math.pi
    return out


class MPNN(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(2, d), nn.ReLU(), nn.Linear(d, d))
        self.msg = nn.Linear(d, d)
        self.upd = nn.GRUCell(d, d)
        self.out = nn.Linear(d, 2)

    def forward(self, th, adj):
        h = self.enc(torch.stack([th.cos(), th.sin()], -1))
        deg = adj.sum(-1, keepdim=True)
        for _ in range(2):
            h = self.upd(adj @ self.msg(h) / deg, h)
        return F.normalize(self.out(h), dim=-1)


def angular_error(pred, target):
    return torch.acos((pred * target).sum(-1)).mean()  # <- culprit


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    g = torch.Generator().manual_seed(9)
    frames = simulate(400, 40, g)
    model = MPNN()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(4):
        running = 0.0
        for pos, th, adj, nxt in frames:
            target = torch.stack([nxt.cos(), nxt.sin()], -1)
            loss = angular_error(model(th, adj), target)
            opt.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            opt.step()
            running += loss.item()
        print(f"epoch {epoch} angular error {running / len(frames):.4f} rad")


main()
