"""Tied embeddings, -inf causal + padding mask (no fully masked row), labels -100 on prompts and
padding, accumulation over 2, gnorm clipped nearly always; loss 3.3 -> 0.17.

[truth]
family = "healthy"
causes = []
"""
"""Decoder-only LM, tied embeddings, padded batches, -inf causal mask, ignore_index on prompts."""
import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    vocab: int = 24
    d: int = 48
    heads: int = 4
    layers: int = 2
    max_len: int = 22
    lr: float = 3e-3
    warmup: int = 40
    steps: int = 350
    bs: int = 32
    accumulate: int = 2


PAD, SEP, EOS = 0, 1, 2


class ReverseTask(Dataset):
    """prompt: letters, answer: the same letters sorted"""

    def __init__(self, n, cfg):
        g = torch.Generator().manual_seed(0)
        self.rows = []
        for _ in range(n):
            k = int(torch.randint(3, 10, (1,), generator=g))
            w = torch.randint(3, cfg.vocab, (k,), generator=g).tolist()
            self.rows.append((w + [SEP], sorted(w) + [EOS]))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def collate(rows):
    L = max(len(a) + len(b) for a, b in rows)
    ids = torch.full((len(rows), L), PAD)
    lab = torch.full((len(rows), L), -100)
    for r, (a, b) in enumerate(rows):
        ids[r, :len(a) + len(b)] = torch.tensor(a + b)
        lab[r, len(a):len(a) + len(b)] = torch.tensor(b)
    return ids, lab


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.h = c.heads
        self.qkv, self.o = nn.Linear(c.d, 3 * c.d), nn.Linear(c.d, c.d)

    def forward(self, x, mask):
        B, T, C = x.shape
        q, k, v = (t.view(B, T, self.h, -1).transpose(1, 2) for t in self.qkv(x).chunk(3, -1))
        s = q @ k.transpose(-1, -2) / math.sqrt(q.size(-1)) + mask
        return self.o((s.softmax(-1) @ v).transpose(1, 2).reshape(B, T, C))


class LM(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.tok = nn.Embedding(c.vocab, c.d)
        self.pos = nn.Embedding(c.max_len, c.d)
        self.att = nn.ModuleList(Attention(c) for _ in range(c.layers))
        self.ff = nn.ModuleList(nn.Sequential(nn.Linear(c.d, 4 * c.d), nn.GELU(), nn.Linear(4 * c.d, c.d)) for _ in range(c.layers))
        self.n1 = nn.ModuleList(nn.LayerNorm(c.d) for _ in range(c.layers))
        self.n2 = nn.ModuleList(nn.LayerNorm(c.d) for _ in range(c.layers))
        self.nf = nn.LayerNorm(c.d)
        self.head = nn.Linear(c.d, c.vocab, bias=False)
        self.head.weight = self.tok.weight
        nn.init.normal_(self.tok.weight, std=0.1)
        nn.init.normal_(self.pos.weight, std=0.1)

    def forward(self, ids):
        T = ids.size(1)
        causal = torch.triu(torch.full((T, T), float("-inf")), 1)
        pad = torch.zeros(ids.shape).masked_fill(ids == PAD, float("-inf"))     # a prompt never starts with PAD
        mask = causal + pad[:, None, None, :]
        x = self.tok(ids) + self.pos.weight[:T]
        for a, f, n1, n2 in zip(self.att, self.ff, self.n1, self.n2):
            x = x + a(n1(x), mask)
            x = x + f(n2(x))
        return self.head(self.nf(x))


def infinite(loader):
    while True:
        yield from loader


def main(c=Config()):
    torch.manual_seed(1)
    torch.set_num_threads(1)
    net = LM(c)
    opt = torch.optim.AdamW(net.parameters(), lr=c.lr, betas=(0.9, 0.95), weight_decay=0.1)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / c.warmup, ((c.steps - s) / c.steps) ** 0.5 + 0.02))
    it = infinite(DataLoader(ReverseTask(4000, c), c.bs // c.accumulate, shuffle=True, collate_fn=collate))
    for step in range(c.steps):
        total = 0.0
        for _ in range(c.accumulate):
            ids, lab = next(it)
            logits = net(ids)
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), lab[:, 1:].flatten(), ignore_index=-100) / c.accumulate
            loss.backward()
            total += loss.item()
        norm = nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        opt.zero_grad(set_to_none=True)
        sched.step()
        if step % 25 == 0:
            print(f"step {step:4d} loss {total:.3f} |g| {norm:.2f}")


if __name__ == "__main__":
    main()
