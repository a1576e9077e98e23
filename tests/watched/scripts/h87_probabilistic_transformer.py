"""Causal transformer giving a Gaussian density forecast for ragged sensor series.

[truth]
family = "healthy"
causes = []
"""
import argparse
import math
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence


def make_series(n):
    out = []
    for _ in range(n):
        length = int(torch.randint(12, 33, (1,)))
        t = torch.arange(length + 1)
        out.append(torch.sin(t * (0.2 + 0.4 * torch.rand(1)) + 6 * torch.rand(1)) * 0.5 + 0.01 * torch.randn(length + 1))
    return out


class Forecaster(nn.Module):
    def __init__(self, d=32, h=4):
        super().__init__()
        self.inp, self.pos = nn.Linear(1, d), nn.Parameter(0.02 * torch.randn(32, d))
        self.qkv, self.o = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.ff = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))
        self.norm, self.head, self.h = nn.LayerNorm(d), nn.Linear(d, 2), h

    def forward(self, x, lengths):
        B, T = x.shape
        z = self.inp(x.unsqueeze(-1)) + self.pos[:T]
        q, k, v = self.qkv(self.norm(z)).view(B, T, self.h, -1).transpose(1, 2).chunk(3, -1)
        causal = torch.full((T, T), float("-inf")).triu(1)
        pad = torch.zeros(B, 1, 1, T).masked_fill(torch.arange(T) >= lengths.view(-1, 1, 1, 1), float("-inf"))
        w = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.size(-1)) + causal + pad, -1)
        z = z + self.o((w @ v).transpose(1, 2).reshape(B, T, -1))
        z = z + self.ff(z)
        mu, raw = self.head(z).unbind(-1)
        return mu, nn.functional.softplus(raw) + 1e-3


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--steps", type=int, default=500)
    ap.add_argument("--seed", type=int, default=9)
    a = ap.parse_args()
    torch.manual_seed(a.seed)
    series = make_series(800)
    net = Forecaster()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 4e-3, total_steps=a.steps)
    for s in range(a.steps):
        pick = torch.randint(len(series), (24,)).tolist()
        full = pad_sequence([series[i] for i in pick], batch_first=True, padding_value=float("nan"))
        x, y = full[:, :-1].nan_to_num(0.0), full[:, 1:]
        lengths = torch.tensor([len(series[i]) - 1 for i in pick])
        ok = ~y.isnan()
        mu, sd = net(x, lengths)
        nll = -torch.distributions.Normal(mu[ok], sd[ok]).log_prob(y[ok]).mean()
        opt.zero_grad()
        nll.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        sched.step()
        if s % 50 == 0 or s == a.steps - 1:
            print(f"step {s}  nll {nll.item():+.4f}")


main()
