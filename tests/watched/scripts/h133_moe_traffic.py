"""Noisy top-k mixture of experts.

[truth]
family = "healthy"
causes = []
"""
"""Sparse mixture-of-experts regressor for traffic flow (noisy top-k gating, Shazeer et al. 2017)."""
import argparse
import math
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class Experts(nn.Module):
    def __init__(self, n, d, h):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(n, d, h) / math.sqrt(d))
        self.b1 = nn.Parameter(torch.zeros(n, h))
        self.w2 = nn.Parameter(torch.randn(n, h, 1) / math.sqrt(h))
        self.b2 = nn.Parameter(torch.zeros(n, 1))

    def forward(self, x):
        h = torch.relu(torch.einsum("bd,ndh->bnh", x, self.w1) + self.b1)
        return (torch.einsum("bnh,nho->bno", h, self.w2) + self.b2).squeeze(-1)


class NoisyTopK(nn.Module):
    def __init__(self, d, n, k):
        super().__init__()
        self.clean = nn.Linear(d, n, bias=False)
        self.noise = nn.Linear(d, n, bias=False)
        self.k = k
        nn.init.zeros_(self.clean.weight)
        nn.init.zeros_(self.noise.weight)

    def forward(self, x):
        logits = self.clean(x)
        if self.training:
            logits = logits + torch.randn_like(logits) * (F.softplus(self.noise(x)) + 1e-2)
        top, idx = logits.topk(self.k, -1)
        full = torch.full_like(logits, float("-inf")).scatter(1, idx, top)
        return full.softmax(-1)


class MoE(nn.Module):
    def __init__(self, d, n, k, h):
        super().__init__()
        self.gate, self.experts = NoisyTopK(d, n, k), Experts(n, d, h)

    def forward(self, x):
        g = self.gate(x)
        imp = g.sum(0)
        return (g * self.experts(x)).sum(-1), (imp.std() / (imp.mean() + 1e-8)) ** 2


def flow(n, gen):
    hour = torch.rand(n, generator=gen) * 24
    day = torch.randint(0, 7, (n,), generator=gen).float()
    rain = torch.rand(n, generator=gen)
    peak = torch.exp(-((hour - 8) / 1.5) ** 2) + torch.exp(-((hour - 17.5) / 2) ** 2)
    y = torch.where(day < 5, 1.8 * peak, 0.7 * torch.exp(-((hour - 14) / 4) ** 2)) * (1 - 0.3 * rain) + 0.05 * torch.randn(n, generator=gen)
    x = torch.cat([torch.stack([hour / 12 - 1, rain], 1), torch.sin(hour[:, None] * torch.arange(1, 4) * math.pi / 12),
                   torch.cos(hour[:, None] * torch.arange(1, 4) * math.pi / 12), F.one_hot(day.long(), 7).float()], 1)
    return x, y


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--experts", type=int, default=8)
    ap.add_argument("--k", type=int, default=2)
    ap.add_argument("--steps", type=int, default=1500)
    ap.add_argument("--balance", type=float, default=0.05)
    a = ap.parse_args()
    torch.manual_seed(8)
    g = torch.Generator().manual_seed(8)
    x, y = flow(8000, g)
    xv, yv = flow(1500, g)
    net = MoE(x.size(1), a.experts, a.k, 24)
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    for s in range(a.steps):
        i = torch.randint(0, len(x), (64,), generator=g)
        p, bal = net(x[i])
        mse = F.mse_loss(p, y[i])
        loss = mse + a.balance * bal
        opt.zero_grad()
        loss.backward()
        opt.step()
        if s % 125 == 0:
            net.eval()
            with torch.no_grad():
                v = F.mse_loss(net(xv)[0], yv)
            net.train()
            print(f"{s:5d} mse {mse.item():.4f} balance {bal.item():.3f} val {v.item():.4f}")
