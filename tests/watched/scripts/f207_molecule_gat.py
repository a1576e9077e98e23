"""Hand-written graph attention network predicting a toy solubility from small molecules.

[truth]
family = "unstable_loss"
causes = ["fully_masked_softmax"]
step = 34
window = 0
phase = "forward"
"""
import math
import torch
import torch.nn as nn
from dataclasses import dataclass
from typing import List


@dataclass
class Mol:
    feats: torch.Tensor
    adj: torch.Tensor
    y: float


ELEMENTS = 5
CONTRIB = torch.tensor([0.4, -0.9, 0.7, -0.2, 1.1])


def random_molecule(g: torch.Generator) -> Mol:
    n = int(torch.randint(4, 12, (1,), generator=g))
    kind = torch.randint(ELEMENTS, (n,), generator=g)
    adj = torch.zeros(n, n, dtype=torch.bool)
    for i in range(1, n):
        j = int(torch.randint(i, (1,), generator=g))
        adj[i, j] = adj[j, i] = True
    deg = adj.sum(1).float()
    y = (CONTRIB[kind] * (1 + 0.2 * deg)).sum() / math.sqrt(n)
    return Mol(nn.functional.one_hot(kind, ELEMENTS).float(), adj, float(y))


def as_salt(m: Mol) -> Mol:
    """Append a counter-ion to the molecule."""
    n = len(m.adj) + 1
    adj = torch.zeros(n, n, dtype=torch.bool)
    adj[:-1, :-1] = m.adj
    ion = torch.zeros(1, ELEMENTS)
    ion[0, 4] = 1.0
    return Mol(torch.cat([m.feats, ion]), adj, m.y + 0.3)


class GraphAttention(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(d_in, d_out) for _ in range(3))
        self.skip = nn.Linear(d_in, d_out)

    def forward(self, h, adj):
        e = self.q(h) @ self.k(h).T / math.sqrt(h.shape[1])
        a = torch.softmax(e.masked_fill(~adj, float("-inf")), dim=-1)  # <- culprit
        return torch.tanh(self.skip(h) + a @ self.v(h))


class Net(nn.Module):
    def __init__(self, d=24):
        super().__init__()
        self.l1 = GraphAttention(ELEMENTS, d)
        self.l2 = GraphAttention(d, d)
        self.head = nn.Linear(d, 1)

    def forward(self, m: Mol):
        h = self.l2(self.l1(m.feats, m.adj), m.adj)
        return self.head(h.sum(0) / math.sqrt(len(h)))


def main():
    g = torch.Generator().manual_seed(31)
    torch.manual_seed(31)
    mols: List[Mol] = [random_molecule(g) for _ in range(500)]
    mols[347] = as_salt(mols[347])
    net = Net()
    opt = torch.optim.Adagrad(net.parameters(), lr=0.03)
    it = 0
    for epoch in range(3):
        perm = torch.randperm(len(mols), generator=g).tolist()
        for s in range(0, len(perm), 10):
            batch = [mols[i] for i in perm[s:s + 10]]
            pred = torch.cat([net(m) for m in batch])
            target = torch.tensor([m.y for m in batch])
            loss = nn.functional.smooth_l1_loss(pred, target)
            opt.zero_grad()
            loss.backward()
            opt.step()
            it += 1
        print(f"epoch={epoch} it={it} huber={loss.item():.4f}")


main()
