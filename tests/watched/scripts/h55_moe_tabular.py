"""Mixture-of-experts classifier on records with missing values; an auxiliary load term is logged alongside.

[truth]
family = "healthy"
causes = []
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Records(Dataset):
    def __init__(self, n=2049, seed=5):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(n, 10)).astype(np.float32)
        kind = rng.integers(0, 4, size=n)
        x[:, 9] = kind - 1.5
        sign = np.stack([x[:, 0] + x[:, 1], x[:, 0] - x[:, 1], x[:, 2] * x[:, 3] * 1.5, x[:, 4] - x[:, 2]], 1)
        self.y = (sign[np.arange(n), kind] > 0).astype(np.int64)
        hole = rng.random(x.shape) < 0.05
        hole[:, 9] = False
        x[hole] = np.nan
        self.x = x

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return torch.from_numpy(self.x[i]), int(self.y[i])


class RunningNorm(nn.Module):
    """Feature normalisation from running moments of the observed (non-NaN) entries."""

    def __init__(self, d):
        super().__init__()
        self.register_buffer("n", torch.zeros(d))
        self.register_buffer("s1", torch.zeros(d))
        self.register_buffer("s2", torch.zeros(d))

    def forward(self, x):
        seen = ~x.isnan()
        z = torch.where(seen, x, 0.0)
        if self.training:
            self.n += seen.sum(0)
            self.s1 += z.sum(0)
            self.s2 += (z * z).sum(0)
        n = self.n.clamp(min=1)
        mean = self.s1 / n
        std = (self.s2 / n - mean ** 2).clamp(min=1e-4).sqrt()
        return torch.where(seen, (z - mean) / std, 0.0), seen.float()


class MoE(nn.Module):
    def __init__(self, d=20, experts=6, width=32, top=2):
        super().__init__()
        self.top = top
        self.gate = nn.Linear(d, experts)
        self.w1 = nn.Parameter(torch.randn(experts, d, width) / d ** 0.5)
        self.b1 = nn.Parameter(torch.zeros(experts, width))
        self.w2 = nn.Parameter(torch.randn(experts, width, 2) / width ** 0.5)

    def forward(self, x):
        g = self.gate(x)
        keep = torch.zeros_like(g, dtype=torch.bool).scatter_(1, g.topk(self.top, 1).indices, True)
        w = g.masked_fill(~keep, float("-inf")).softmax(-1)
        h = F.gelu(torch.einsum("bd,edh->beh", x, self.w1) + self.b1)
        y = torch.einsum("beh,eho,be->bo", h, self.w2, w)
        balance = len(self.gate.bias) * (keep.float().mean(0) / self.top * g.softmax(-1).mean(0)).sum()
        return y, balance


def main():
    torch.manual_seed(5)
    data = Records()
    loader = DataLoader(data, batch_size=64, shuffle=True)
    norm, body = RunningNorm(10), MoE()
    bn = nn.BatchNorm1d(20)
    model = nn.ModuleList([norm, bn, body])
    opt = torch.optim.AdamW(model.parameters(), lr=8e-3, weight_decay=1e-2)
    for epoch in range(18):
        ce_sum = aux_sum = hit = 0.0
        for x, y in loader:
            bn.train(len(x) > 1)
            h = bn(torch.cat(norm(x), 1))
            logits, aux = body(h)
            ce = F.cross_entropy(logits, y)
            loss = ce + 1e-4 * aux
            opt.zero_grad()
            loss.backward()
            opt.step()
            ce_sum += ce.item() * len(y)
            aux_sum += aux.item() * len(y)
            hit += (logits.argmax(1) == y).sum().item()
        print(f"epoch {epoch:2d} ce {ce_sum / len(data):.4f} aux {aux_sum / len(data):.4f} acc {hit / len(data):.3f}")


if __name__ == "__main__":
    main()
