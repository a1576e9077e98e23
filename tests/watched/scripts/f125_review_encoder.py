"""Transformer encoder written by hand that classifies short reviews of token ids.

[truth]
family = "unstable_loss"
causes = ["fully_masked_softmax"]
step = 58
window = 0
phase = "forward"
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

PAD, VOCAB, MAX_LEN = 0, 120, 20


class Reviews(Dataset):
    """Positive reviews draw more often from the first half of the vocabulary."""

    def __init__(self, n=2400, seed=1):
        g = torch.Generator().manual_seed(seed)
        self.ids = torch.zeros(n, MAX_LEN, dtype=torch.long)
        self.y = torch.randint(0, 2, (n,), generator=g)
        lengths = torch.randint(4, MAX_LEN + 1, (n,), generator=g)
        lengths[58 * 32 + 19] = 0
        for i in range(n):
            k = int(lengths[i])
            good = torch.rand(k, generator=g) < (0.75 if self.y[i] else 0.25)
            low = torch.randint(1, 60, (k,), generator=g)
            self.ids[i, :k] = torch.where(good, low, low + 60)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.ids[i], self.y[i]


class SelfAttention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.h, self.dk = heads, dim // heads
        self.q, self.k, self.v, self.o = (nn.Linear(dim, dim) for _ in range(4))

    def split(self, x):
        return x.unflatten(-1, (self.h, self.dk)).transpose(1, 2)

    def forward(self, x, pad_mask):
        q, k, v = self.split(self.q(x)), self.split(self.k(x)), self.split(self.v(x))
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.dk)
        scores = scores.masked_fill(pad_mask[:, None, None, :], float("-inf"))
        weights = F.softmax(scores, dim=-1)  # <- culprit
        return self.o((weights @ v).transpose(1, 2).flatten(2))


class Encoder(nn.Module):
    def __init__(self, dim=32, heads=4):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, dim, padding_idx=PAD)
        self.pos = nn.Parameter(torch.randn(MAX_LEN, dim) * 0.02)
        self.attn = SelfAttention(dim, heads)
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.ff = nn.Sequential(nn.Linear(dim, 64), nn.ReLU(), nn.Linear(64, dim))
        self.cls = nn.Linear(dim, 2)

    def forward(self, ids):
        pad = ids.eq(PAD)
        x = self.tok(ids) + self.pos
        x = self.n1(x + self.attn(x, pad))
        x = self.n2(x + self.ff(x))
        keep = (~pad).unsqueeze(-1).float()
        return self.cls((x * keep).sum(1) / keep.sum(1).clamp(min=1))


class Trainer:
    def __init__(self, model, loader, lr=2e-3):
        self.model, self.loader = model, loader
        self.opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)

    def fit(self, epochs):
        for ep in range(epochs):
            losses, hits, n = [], 0, 0
            for ids, y in self.loader:
                logits = self.model(ids)
                loss = F.cross_entropy(logits, y)
                self.opt.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                self.opt.step()
                losses.append(loss.item())
                hits += (logits.argmax(-1) == y).sum().item()
                n += len(y)
            print(f"[{ep}] loss={sum(losses) / len(losses):.4f} acc={hits / n:.3f}")


torch.manual_seed(21)
Trainer(Encoder(), DataLoader(Reviews(), batch_size=32)).fit(2)
