"""Trains a message-passing network on random molecule-like graphs (energy regression).

[truth]
family = "exploding_gradients"
causes = ["learning_rate_too_high", "gradient_growth"]
step = 3
window = 5
"""
import math
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SEED = 7
random.seed(SEED)
np.random.seed(SEED)
torch.manual_seed(SEED)

N_ATOM_TYPES = 6
HID = 48


def make_molecule(rng):
    n = rng.integers(6, 14)
    z = rng.integers(0, N_ATOM_TYPES, size=n)
    src, dst = [], []
    for i in range(1, n):
        j = rng.integers(max(0, i - 3), i)
        src += [i, j]
        dst += [j, i]
    if n > 8:
        a, b = 0, int(n) - 1
        src += [a, b]
        dst += [b, a]
    deg = np.bincount(np.array(dst), minlength=n)
    atom_e = np.array([-0.6, -1.0, 0.4, 0.9, -0.2, 0.5])[z].sum()
    bond_e = sum(0.15 * abs(int(z[s]) - int(z[d])) for s, d in zip(src, dst)) / 2
    y = atom_e + bond_e + 0.1 * (deg == 3).sum()
    return torch.tensor(z), torch.tensor([src, dst]), float(y)


def collate(mols):
    zs, eis, ys, batch = [], [], [], []
    off = 0
    for g, (z, ei, y) in enumerate(mols):
        zs.append(z)
        eis.append(ei + off)
        batch.append(torch.full((len(z),), g, dtype=torch.long))
        ys.append(y)
        off += len(z)
    return torch.cat(zs), torch.cat(eis, 1), torch.cat(batch), torch.tensor(ys)


class MPLayer(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.msg = nn.Linear(2 * d, d)
        self.upd = nn.Linear(2 * d, d)

    def forward(self, h, ei):
        src, dst = ei
        m = F.relu(self.msg(torch.cat([h[src], h[dst]], -1)))
        agg = torch.zeros_like(h).index_add(0, dst, m)
        return h + 0.5 * F.leaky_relu(self.upd(torch.cat([h, agg], -1)), 0.1)


class MolNet(nn.Module):
    def __init__(self, depth=4):
        super().__init__()
        self.emb = nn.Embedding(N_ATOM_TYPES, HID)
        self.layers = nn.ModuleList(MPLayer(HID) for _ in range(depth))
        self.head = nn.Sequential(nn.Linear(HID, HID), nn.Tanh(), nn.Linear(HID, 1))

    def forward(self, z, ei, batch, n_graphs):
        h = self.emb(z)
        for layer in self.layers:
            h = layer(h, ei)
        e = self.head(h).squeeze(-1)
        return torch.zeros(n_graphs).index_add(0, batch, e)


def main():
    rng = np.random.default_rng(SEED)
    mols = [make_molecule(rng) for _ in range(800)]
    train, val = mols[:640], mols[640:]
    mu = np.mean([m[2] for m in train])
    sd = np.std([m[2] for m in train])
    train = [(z, e, (y - mu) / sd) for z, e, y in train]
    val = [(z, e, (y - mu) / sd) for z, e, y in val]

    net = MolNet()
    opt = torch.optim.SGD(net.parameters(), lr=LR, momentum=0.9, nesterov=True)
    print("params:", sum(p.numel() for p in net.parameters()))

    it = 0
    for epoch in range(10):
        order = rng.permutation(len(train))
        tot = 0.0
        for k in range(0, len(order), 32):
            mb = [train[i] for i in order[k:k + 32]]
            z, ei, b, y = collate(mb)
            out = net(z, ei, b, len(mb))
            loss = F.smooth_l1_loss(out, y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item()
            if it % 5 == 0:
                print(f"  it {it:4d}  huber {loss.item():.4g}")
            it += 1
        with torch.no_grad():
            z, ei, b, y = collate(val)
            mae = (net(z, ei, b, len(val)) - y).abs().mean().item()
        print(f"epoch {epoch}  train {tot / math.ceil(len(order) / 32):.4g}  val mae {mae:.4g}")


LR = 0.1

if __name__ == "__main__":
    main()
