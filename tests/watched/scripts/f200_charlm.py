"""Trains a tiny causal transformer on character-level server log lines.

[truth]
family = "exploding_gradients"
causes = ["learning_rate_schedule", "gradient_ascent"]
step = 244
window = 25
"""
import argparse
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


def make_corpus(n_lines, seed):
    g = torch.Generator().manual_seed(seed)
    verbs = ["GET", "POST", "PUT", "DELETE"]
    paths = ["/index", "/api/users", "/api/orders", "/static/app.js", "/login", "/health"]
    codes = ["200", "201", "301", "404", "500"]
    out = []
    for _ in range(n_lines):
        v = verbs[int(torch.randint(len(verbs), (1,), generator=g))]
        p = paths[int(torch.randint(len(paths), (1,), generator=g))]
        c = codes[int(torch.randint(len(codes), (1,), generator=g))]
        out.append(f"{v} {p} {c}")
    return "\n".join(out) + "\n"


class Windows(Dataset):
    def __init__(self, text, block):
        self.chars = sorted(set(text))
        lut = {c: i for i, c in enumerate(self.chars)}
        self.ids = torch.tensor([lut[c] for c in text])
        self.block = block

    def __len__(self):
        return (len(self.ids) - 1) // self.block

    def __getitem__(self, i):
        s = i * self.block
        return self.ids[s:s + self.block], self.ids[s + 1:s + self.block + 1]


class Block(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))
        self.h = h

    def forward(self, x):
        B, T, D = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(B, T, 3, self.h, D // self.h).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(a.transpose(1, 2).reshape(B, T, D))
        return x + self.mlp(self.ln2(x))


class CharLM(nn.Module):
    def __init__(self, vocab, block, d=32, h=4, layers=2):
        super().__init__()
        self.tok = nn.Embedding(vocab, d)
        self.pos = nn.Embedding(block, d)
        self.blocks = nn.ModuleList(Block(d, h) for _ in range(layers))
        self.ln = nn.LayerNorm(d)
        self.head = nn.Linear(d, vocab)

    def forward(self, x):
        h = self.tok(x) + self.pos(torch.arange(x.size(1)))
        for b in self.blocks:
            h = b(h)
        return self.head(self.ln(h))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=12)
    ap.add_argument("--batch-size", type=int, default=16)
    ap.add_argument("--block", type=int, default=32)
    ap.add_argument("--lr", type=float, default=3e-3)
    ap.add_argument("--warmup", type=int, default=20)
    ap.add_argument("--world-size", type=int, default=2)
    args = ap.parse_args()

    torch.manual_seed(7)
    ds = Windows(make_corpus(1000, 3), args.block)
    dl = DataLoader(ds, batch_size=args.batch_size, shuffle=True, num_workers=0, drop_last=True)
    model = CharLM(len(ds.chars), args.block)
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)

    total = args.epochs * len(ds) // (args.batch_size * args.world_size)

    def factor(s):
        if s < args.warmup:
            return (s + 1) / args.warmup
        return 1.0 - (s - args.warmup) / (total - args.warmup)

    sched = torch.optim.lr_scheduler.LambdaLR(opt, factor)
    step = 0
    for epoch in range(args.epochs):
        for x, y in dl:
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            opt.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            if step % 25 == 0:
                print(f"epoch {epoch} step {step} loss {loss.item():.4f} ppl {math.exp(min(loss.item(), 30)):.1f}")
            step += 1


if __name__ == "__main__":
    main()
