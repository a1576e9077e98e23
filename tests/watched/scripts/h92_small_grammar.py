"""Trains a tiny causal transformer on a made-up grammar under float16 autocast with a loss scaler.

[truth]
family = "healthy"
causes = []
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

V, T, D, H = 24, 16, 32, 2


def sentences(n, g):
    nxt = torch.stack([torch.randperm(V, generator=g) for _ in range(2)])
    s = torch.zeros(n, T + 1, dtype=torch.long)
    s[:, 0] = torch.randint(0, V, (n,), generator=g)
    for t in range(1, T + 1):
        pick = (torch.rand(n, generator=g) < 0.25).long()
        s[:, t] = nxt[pick, s[:, t - 1]]
    return s


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(D), nn.LayerNorm(D)
        self.qkv, self.proj = nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.ff = nn.Sequential(nn.Linear(D, 2 * D), nn.GELU(), nn.Linear(2 * D, D))
        self.register_buffer("mask", torch.full((T, T), float("-inf")).triu(1))

    def forward(self, x):
        b = x.shape[0]
        q, k, v = self.qkv(self.n1(x)).view(b, T, 3, H, D // H).permute(2, 0, 3, 1, 4)
        att = q @ k.transpose(-1, -2) / math.sqrt(D // H) + self.mask
        y = att.float().softmax(-1).to(v.dtype) @ v
        x = x + self.proj(y.transpose(1, 2).reshape(b, T, D))
        return x + self.ff(self.n2(x))


class Grammar(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok, self.pos = nn.Embedding(V, D), nn.Parameter(torch.zeros(T, D))
        self.blocks = nn.Sequential(Block())
        self.out = nn.Linear(D, V)

    def forward(self, s):
        return self.out(self.blocks(self.tok(s) + self.pos))


torch.manual_seed(2)
g = torch.Generator().manual_seed(2)
data = sentences(4096, g)
model = Grammar()
opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 24, growth_interval=60)

for step in range(120):
    s = data[torch.randint(0, len(data), (16,), generator=g)]
    with torch.autocast("cpu", dtype=torch.float16):
        logits = model(s[:, :-1])
        loss = F.cross_entropy(logits.float().flatten(0, 1), s[:, 1:].flatten())
    opt.zero_grad()
    scaler.scale(loss).backward()
    scaler.unscale_(opt)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(opt)
    scaler.update()
    if step % 20 == 0 or step == 119:
        print(f"step {step} loss {loss.item():.3f} scale {scaler.get_scale():.0f}")
