"""Trains a message-passing network on random molecule-like graphs.

[truth]
family = "stalled_training"
causes = ["nothing_learned"]
"""
import argparse
import random
from typing import List, NamedTuple

import torch
import torch.nn as nn
import torch.nn.functional as F


class Graph(NamedTuple):
    atoms: torch.Tensor  # (n,) int
    adj: torch.Tensor    # (n, n) row-normalised
    target: float


N_TYPES = 5
WEIGHTS = [0.2, -0.5, 0.8, 0.1, -0.3]


def random_graph(rng: random.Random) -> Graph:
    n = rng.randint(5, 14)
    atoms = torch.tensor([rng.randrange(N_TYPES) for _ in range(n)])
    A = torch.zeros(n, n)
    for i in range(1, n):
        j = rng.randrange(i)
        A[i, j] = A[j, i] = 1
    for _ in range(n // 4):
        i, j = rng.sample(range(n), 2)
        A[i, j] = A[j, i] = 1
    w = torch.tensor(WEIGHTS)[atoms]
    y = float(w.sum() + 0.3 * (A @ w * w).sum()) / 2
    return Graph(atoms, A / A.sum(1, keepdim=True), y)


class MPLayer(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.msg = nn.Linear(d, d)
        self.upd = nn.GRUCell(d, d)

    def forward(self, h, adj):
        return self.upd(F.relu(adj @ self.msg(h)), h)


class MPNN(nn.Module):
    def __init__(self, d=32, layers=3):
        super().__init__()
        self.emb = nn.Embedding(N_TYPES, d)
        self.layers = nn.ModuleList(MPLayer(d) for _ in range(layers))
        self.readout = nn.Sequential(nn.Linear(2 * d, d), nn.ReLU(), nn.Linear(d, 1))

    def forward(self, g: Graph):
        h0 = h = self.emb(g.atoms)
        for layer in self.layers:
            h = layer(h, g.adj)
        return self.readout(torch.cat([h0.sum(0), h.sum(0)])).squeeze()


class MetricMeter:
    def __init__(self):
        self.values = []

    def update(self, v):
        self.values.append(float(v))

    @property
    def mean(self):
        return sum(self.values) / max(1, len(self.values))


def batches(graphs: List[Graph], bs, rng):
    order = list(range(len(graphs)))
    rng.shuffle(order)
    for s in range(0, len(order), bs):
        yield [graphs[i] for i in order[s:s + bs]]


def batch_loss(model, batch):
    preds = torch.stack([model(g) for g in batch])
    target = torch.tensor([g.target for g in batch])
    errors = [(p - t) ** 2 for p, t in zip(preds, target)]
    return torch.tensor(errors, requires_grad=True).mean()


def train(model, graphs, opt, bs, rng):
    model.train()
    meter = MetricMeter()
    for batch in batches(graphs, bs, rng):
        opt.zero_grad()
        loss = batch_loss(model, batch)
        loss.backward()
        opt.step()
        meter.update(loss)
    return meter.mean


@torch.no_grad()
def evaluate(model, graphs):
    model.eval()
    meter = MetricMeter()
    for g in graphs:
        meter.update(abs(model(g) - g.target))
    return meter.mean


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--batch-size", type=int, default=16)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args()
    rng = random.Random(args.seed)
    torch.manual_seed(args.seed)
    train_graphs = [random_graph(rng) for _ in range(400)]
    test_graphs = [random_graph(rng) for _ in range(100)]
    model = MPNN()
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    sched = torch.optim.lr_scheduler.StepLR(opt, 5, 0.5)
    for epoch in range(args.epochs):
        tr = train(model, train_graphs, opt, args.batch_size, rng)
        print(f"Epoch {epoch:02d} | train MSE {tr:.5f} | test MAE {evaluate(model, test_graphs):.5f} | lr {sched.get_last_lr()[0]:.1e}")
        sched.step()


if __name__ == "__main__":
    main()
