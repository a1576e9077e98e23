"""Character-level GPT written by hand, trained on a synthetic grammar of sentences.

[truth]
family = "exploding_gradients"
causes = ["learning_rate_schedule"]
step = 90
window = 6
"""
import argparse
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=170)
parser.add_argument("--warmup", type=int, default=20)
parser.add_argument("--lr", type=float, default=0.2)
parser.add_argument("--batch", type=int, default=12)
parser.add_argument("--block", type=int, default=32)
parser.add_argument("--d_model", type=int, default=48)
parser.add_argument("--layers", type=int, default=1)
parser.add_argument("--seed", type=int, default=1337)
args = parser.parse_args()

torch.manual_seed(args.seed)
rng = random.Random(args.seed)

NOUNS = "cat dog bird fox king ship tree river stone child".split()
VERBS = "sees likes follows finds hears moves".split()
ADJS = "old red small quick quiet bright".split()


def sentence():
    s = f"the {rng.choice(ADJS)} {rng.choice(NOUNS)} {rng.choice(VERBS)} the {rng.choice(NOUNS)}"
    if rng.random() < 0.3:
        s += f" and the {rng.choice(NOUNS)}"
    return s + ".\n"


text = "".join(sentence() for _ in range(2500))
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
data = torch.tensor([stoi[c] for c in text])


class Block(nn.Module):
    def __init__(self, d, heads=4):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        att = q @ k.transpose(-1, -2) / math.sqrt(d // self.heads)
        att = att.masked_fill(torch.ones(t, t).tril() == 0, float("-inf")).softmax(-1)
        x = x + self.proj((att @ v).transpose(1, 2).reshape(b, t, d))
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    def __init__(self, vocab, d, layers, block):
        super().__init__()
        self.tok = nn.Embedding(vocab, d)
        self.pos = nn.Embedding(block, d)
        self.blocks = nn.Sequential(*[Block(d) for _ in range(layers)])
        self.head = nn.Linear(d, vocab)

    def forward(self, idx):
        x = self.tok(idx) + self.pos(torch.arange(idx.size(1)))
        return self.head(self.blocks(x))


def get_batch():
    ix = torch.randint(len(data) - args.block - 1, (args.batch,))
    x = torch.stack([data[i : i + args.block] for i in ix])
    y = torch.stack([data[i + 1 : i + args.block + 1] for i in ix])
    return x, y


def lr_lambda(step):
    return (step + 1) / args.warmup


model = GPT(len(chars), args.d_model, args.layers, args.block)
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lr_lambda)

for step in range(args.steps):
    xb, yb = get_batch()
    logits = model(xb)
    loss = F.cross_entropy(logits.flatten(0, 1), yb.flatten())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 20 == 0:
        print(f"step {step:4d} | loss {loss.item():.4f}")
