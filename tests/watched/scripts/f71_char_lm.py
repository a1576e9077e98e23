"""Trains a character language model (small causal transformer) with AdamW.

[truth]
family = "exploding_gradients"
causes = ["learning_rate_too_high"]
step = 0
window = 6
"""
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

TEXT = (
    "the quick brown fox jumps over the lazy dog while the old grey cat sleeps in the sun "
    "and the small white mouse eats the last piece of cheese on the round kitchen table "
) * 6


@dataclass
class Config:
    context: int = 24
    width: int = 48
    heads: int = 4
    layers: int = 2
    batch: int = 16
    steps: int = 120
    lr: float = 0.5


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads = c.heads
        self.n1, self.n2 = nn.LayerNorm(c.width), nn.LayerNorm(c.width)
        self.qkv = nn.Linear(c.width, 3 * c.width)
        self.proj = nn.Linear(c.width, c.width)
        self.mlp = nn.Sequential(
            nn.Linear(c.width, 4 * c.width), nn.GELU(), nn.Linear(4 * c.width, c.width)
        )

    def forward(self, x):
        b, t, w = x.shape
        q, k, v = self.qkv(self.n1(x)).view(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).reshape(b, t, w))
        return x + self.mlp(self.n2(x))


class LM(nn.Module):
    def __init__(self, c, vocab):
        super().__init__()
        self.tok = nn.Embedding(vocab, c.width)
        self.pos = nn.Parameter(0.02 * torch.randn(c.context, c.width))
        self.blocks = nn.Sequential(*[Block(c) for _ in range(c.layers)])
        self.head = nn.Linear(c.width, vocab)

    def forward(self, idx):
        return self.head(self.blocks(self.tok(idx) + self.pos))


if __name__ == "__main__":
    c = Config()
    torch.manual_seed(1337)
    chars = sorted(set(TEXT))
    data = torch.tensor([chars.index(ch) for ch in TEXT])
    model = LM(c, len(chars))
    opt = torch.optim.AdamW(model.parameters(), lr=c.lr)
    for it in range(c.steps):
        at = torch.randint(0, len(data) - c.context - 1, (c.batch,))
        x = torch.stack([data[i : i + c.context] for i in at])
        y = torch.stack([data[i + 1 : i + c.context + 1] for i in at])
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        if it % 10 == 0:
            print(f"iter {it}: loss {loss.item():.4f}")
