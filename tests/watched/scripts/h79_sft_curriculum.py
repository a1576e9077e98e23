"""Fine-tunes a tiny causal transformer, response-only loss, prompts get longer over time (curriculum).

[truth]
family = "healthy"
causes = []
"""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

IGNORE_INDEX = -100
CHARS = "abcdefghijklmnopqrstuvwxyz :?.\n"
stoi = {c: i + 3 for i, c in enumerate(CHARS)}
PAD, BOS, EOS = 0, 1, 2
WORDS = ["red", "blue", "green", "cat", "dog", "sun", "moon", "tree", "river", "stone"]
MAXLEN = 56


def sample(rnd, level):
    ws = [rnd.choice(WORDS) for _ in range(level)]
    prompt = "reverse: " + " ".join(ws) + "?\n"
    return prompt, " ".join(ws[::-1]) + "."


def encode(prompt, response):
    p = [BOS] + [stoi[c] for c in prompt]
    ids = (p + [stoi[c] for c in response] + [EOS])[:MAXLEN]
    labels = ([IGNORE_INDEX] * len(p) + ids[len(p):])[:MAXLEN]
    pad = MAXLEN - len(ids)
    # left padding
    return [PAD] * pad + ids, [0] * pad + [1] * len(ids), [IGNORE_INDEX] * pad + labels


class Block(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.h = h
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x, bias):
        B, T, C = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(B, T, 3, self.h, C // self.h).permute(2, 0, 3, 1, 4)
        att = (q @ k.transpose(-1, -2)) * (C // self.h) ** -0.5 + bias
        y = att.softmax(-1) @ v
        x = x + self.proj(y.transpose(1, 2).reshape(B, T, C))
        return x + self.mlp(self.ln2(x))


class TinyLM(nn.Module):
    def __init__(self, vocab, d=48, h=4, layers=2):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab, d), nn.Embedding(MAXLEN, d)
        self.blocks = nn.ModuleList([Block(d, h) for _ in range(layers)])
        self.ln_f, self.head = nn.LayerNorm(d), nn.Linear(d, vocab, bias=False)

    def forward(self, ids, mask):
        T = ids.size(1)
        keep = torch.ones(T, T, dtype=torch.bool).tril()[None, None] & mask[:, None, None, :].bool()
        bias = torch.zeros(keep.shape).masked_fill(~keep, torch.finfo(torch.float32).min)
        x = self.wte(ids) + self.wpe((mask.cumsum(1) - 1).clamp(min=0))
        for b in self.blocks:
            x = b(x, bias)
        return self.head(self.ln_f(x))


def main(steps=450, accum=2, micro=6):
    torch.manual_seed(0)
    rnd = random.Random(0)
    model = TinyLM(len(CHARS) + 3)
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.95))
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 3e-3, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        level = 1 + step // 150
        batches, ntok = [], 0
        for _ in range(accum):
            rows = [encode(*sample(rnd, level if rnd.random() < 0.95 else 9)) for _ in range(micro)]
            ids, mask, lab = (torch.tensor(c) for c in zip(*rows))
            ntok += int((lab[:, 1:] != IGNORE_INDEX).sum())
            batches.append((ids, mask, lab))
        total = 0.0
        for ids, mask, lab in batches:
            logits = model(ids, mask)
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), lab[:, 1:].flatten(),
                                   ignore_index=IGNORE_INDEX, reduction="sum")
            (loss / max(ntok, 1)).backward()
            total += loss.item()
        gn = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        opt.zero_grad()
        if step % 25 == 0 or step == steps - 1:
            print("step %4d | words %d | tokens %3d | loss/token %.4f | grad norm %.2f" % (
                step, level, ntok, total / max(ntok, 1), gn))


if __name__ == "__main__":
    main()
