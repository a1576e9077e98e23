"""Poincare-ball embeddings of a synthetic taxonomy with negative sampling.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient"]
step = 24
window = 0
phase = "backward"
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
BRANCH, DEPTH, DIM, NEG = 3, 5, 5, 8

parents = [0]
level = [0]
frontier = [0]
for _ in range(DEPTH):
    nxt = []
    for p in frontier:
        for _ in range(BRANCH):
            parents.append(p)
            nxt.append(len(parents) - 1)
    frontier = nxt
n_nodes = len(parents)

edges = []
for child in range(1, n_nodes):
    node = child
    while node != 0:
        node = parents[node]
        edges.append((child, node))
edges = torch.tensor(edges)
edges = edges[torch.randperm(len(edges))]

negatives = torch.randint(1, n_nodes, (len(edges), NEG))
clash = negatives == edges[:, :1]
negatives[clash] = (negatives[clash] % (n_nodes - 1)) + 1
negatives[24 * 32 + 7, 2] = edges[24 * 32 + 7, 0]


class PoincareEmbedding(nn.Module):
    def __init__(self, size, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(size, dim).uniform_(-1e-2, 1e-2))

    def distance(self, u, v):
        sq = (u - v).pow(2).sum(-1)
        denom = (1 - u.pow(2).sum(-1)) * (1 - v.pow(2).sum(-1))
        return torch.acosh(1 + 2 * sq / denom)  # <- culprit

    def forward(self, child, candidates):
        return self.distance(self.weight[child].unsqueeze(1), self.weight[candidates])

    @torch.no_grad()
    def project(self, eps=1e-3):
        norm = self.weight.norm(dim=-1, keepdim=True)
        self.weight.mul_(torch.where(norm > 1 - eps, (1 - eps) / norm, torch.ones_like(norm)))


model = PoincareEmbedding(n_nodes, DIM)
opt = torch.optim.Adam(model.parameters(), lr=5e-3)

for epoch in range(3):
    total, batches = 0.0, 0
    for s in range(0, len(edges), 32):
        e = edges[s : s + 32]
        candidates = torch.cat([e[:, 1:], negatives[s : s + 32]], dim=1)
        d = model(e[:, 0], candidates)
        loss = F.cross_entropy(-d, torch.zeros(len(e), dtype=torch.long))
        opt.zero_grad()
        loss.backward()
        opt.step()
        model.project()
        total += loss.item()
        batches += 1
    print(f"epoch {epoch}: loss {total / batches:.4f}")
