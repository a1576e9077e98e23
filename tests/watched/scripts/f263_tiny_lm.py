"""Warmup factor uses max instead of min: the learning rate grows without limit.

[truth]
family = "exploding_gradients"
causes = ["learning_rate_schedule"]
"""
import argparse
import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR


def make_corpus(n, vocab, seed):
    g = torch.Generator().manual_seed(seed)
    trans = torch.softmax(3.0 * torch.randn(vocab, vocab, generator=g), -1)
    seq = [0]
    for _ in range(n):
        seq.append(torch.multinomial(trans[seq[-1]], 1, generator=g).item())
    return torch.tensor(seq)


class Block(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))
        self.h = h

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(b, t, 3, self.h, d // self.h).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).reshape(b, t, d))
        return x + self.mlp(self.ln2(x))


class LM(nn.Module):
    def __init__(self, vocab, d, layers, heads, ctx):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, d), nn.Embedding(ctx, d)
        self.blocks = nn.Sequential(*[Block(d, heads) for _ in range(layers)])
        self.head = nn.Linear(d, vocab, bias=False)

    def forward(self, x):
        h = self.tok(x) + self.pos(torch.arange(x.size(1)))
        return self.head(self.blocks(h))


class Trainer:
    def __init__(self, args):
        self.args = args
        self.data = make_corpus(8000, args.vocab, 1)
        self.model = LM(args.vocab, args.dim, args.layers, args.heads, args.ctx)
        decay = [p for p in self.model.parameters() if p.dim() > 1]
        rest = [p for p in self.model.parameters() if p.dim() <= 1]
        self.opt = torch.optim.AdamW(
            [{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}],
            lr=args.lr, betas=(0.9, 0.95))
        self.sched = LambdaLR(self.opt, lambda s: max(1.0, (s + 1) / args.warmup))

    def batch(self):
        i = torch.randint(0, len(self.data) - self.args.ctx - 1, (self.args.batch,))
        x = torch.stack([self.data[j:j + self.args.ctx + 1] for j in i])
        return x[:, :-1], x[:, 1:]

    def fit(self):
        for step in range(self.args.steps):
            x, y = self.batch()
            loss = F.cross_entropy(self.model(x).flatten(0, 1), y.flatten())
            self.opt.zero_grad(set_to_none=True)
            loss.backward()
            self.opt.step()
            self.sched.step()
            if step % self.args.log == 0:
                print(f"step {step:4d} loss {loss.item():.4f} ppl {math.exp(min(loss.item(), 50)):.2f}")


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--vocab", type=int, default=40)
    p.add_argument("--dim", type=int, default=48)
    p.add_argument("--layers", type=int, default=3)
    p.add_argument("--heads", type=int, default=4)
    p.add_argument("--ctx", type=int, default=32)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--steps", type=int, default=700)
    p.add_argument("--warmup", type=int, default=10)
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--log", type=int, default=40)
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    Trainer(a).fit()
