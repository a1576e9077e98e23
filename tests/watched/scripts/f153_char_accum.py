"""Trains a small character-level transformer on generated arithmetic text.

[truth]
family = "exploding_gradients"
causes = ["undivided_accumulation", "learning_rate_too_high"]
step = 30
window = 10
"""
import argparse
import time

import torch
from torch import nn
from torch.nn import functional as F

p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default=0.075)
p.add_argument("--micro_batch", type=int, default=4)
p.add_argument("--grad_accum", type=int, default=16)
p.add_argument("--block", type=int, default=32)
p.add_argument("--iters", type=int, default=38)
p.add_argument("--d", type=int, default=48)
args = p.parse_args()

torch.manual_seed(1337)
g = torch.Generator().manual_seed(1337)

# ---- corpus -----------------------------------------------------------
lines = []
for _ in range(6000):
    a, b = torch.randint(0, 50, (2,), generator=g).tolist()
    lines.append(f"{a}+{b}={a + b};")
text = "".join(lines)
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
data = torch.tensor([stoi[c] for c in text])
n_train = int(0.9 * len(data))
train_data, val_data = data[:n_train], data[n_train:]
print(f"{len(data)} chars, vocab {len(chars)}")


def get_batch(split, bs):
    d = train_data if split == "train" else val_data
    ix = torch.randint(len(d) - args.block - 1, (bs,), generator=g)
    x = torch.stack([d[i:i + args.block] for i in ix])
    y = torch.stack([d[i + 1:i + 1 + args.block] for i in ix])
    return x, y


class Block(nn.Module):
    def __init__(self, d, nh):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.nh = nh
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = self.qkv(self.ln1(x)).split(C, dim=2)
        q, k, v = (t.view(B, T, self.nh, C // self.nh).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).reshape(B, T, C))
        return x + self.mlp(self.ln2(x))


class CharLM(nn.Module):
    def __init__(self, vocab, d, nl=2, nh=4):
        super().__init__()
        self.tok = nn.Embedding(vocab, d)
        self.pos = nn.Embedding(args.block, d)
        self.blocks = nn.Sequential(*[Block(d, nh) for _ in range(nl)])
        self.ln_f = nn.LayerNorm(d)
        self.out = nn.Linear(d, vocab)

    def forward(self, idx, targets):
        x = self.tok(idx) + self.pos(torch.arange(idx.shape[1]))
        logits = self.out(self.ln_f(self.blocks(x)))
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


model = CharLM(len(chars), args.d)
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)


@torch.no_grad()
def estimate_loss():
    model.eval()
    v = torch.stack([model(*get_batch("val", 16)) for _ in range(5)]).mean().item()
    model.train()
    return v


t0 = time.time()
for it in range(args.iters):
    if it % 20 == 0:
        print(f"--- val loss {estimate_loss():.4f}")
    optimizer.zero_grad(set_to_none=True)
    lossf = 0.0
    for micro in range(args.grad_accum):
        x, y = get_batch("train", args.micro_batch)
        loss = model(x, y)
        loss.backward()
        lossf += loss.item() / args.grad_accum
    optimizer.step()
    if it % 2 == 0:
        print(f"iter {it}: loss {lossf:.4f}")
print(f"--- final val loss {estimate_loss():.4f}")
