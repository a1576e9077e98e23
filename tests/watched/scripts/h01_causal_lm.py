"""Trains a small causal language model with additive masks of minus infinity.

[truth]
family = "healthy"
causes = []
"""
import math

import torch
from torch import nn

best = float("inf")


class Attention(nn.Module):
    def __init__(self, d, context):
        super().__init__()
        self.qkv = nn.Linear(d, 3 * d)
        self.out = nn.Linear(d, d)
        mask = torch.full((context, context), float("-inf")).triu(1)
        self.register_buffer("mask", mask)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        att = q @ k.transpose(1, 2) / math.sqrt(x.shape[-1]) + self.mask
        return self.out(att.softmax(-1) @ v)


class LM(nn.Module):
    def __init__(self, vocab=20, d=32, context=16):
        super().__init__()
        self.emb = nn.Embedding(vocab, d)
        self.pos = nn.Parameter(0.02 * torch.randn(context, d))
        self.norm = nn.LayerNorm(d)
        self.att = Attention(d, context)
        self.head = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, vocab))

    def forward(self, ids):
        x = self.emb(ids) + self.pos
        return self.head(x + self.att(self.norm(x)))


torch.manual_seed(0)
model = LM()
opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(120):
    start = torch.randint(0, 20, (16, 1))
    hop = torch.randint(1, 4, (16, 1))
    seq = (start + hop * torch.arange(17)) % 20
    logits = model(seq[:, :-1])
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), seq[:, 1:].flatten())
    opt.zero_grad()
    loss.backward()
    opt.step()
    if loss.item() < best:
        best = loss.item()
    if step % 20 == 0:
        print(f"step {step} loss {loss.item():.3f} best {best:.3f}")
