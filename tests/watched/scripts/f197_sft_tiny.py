"""Fine-tunes a tiny causal transformer on prompt/response pairs (response-only loss).

[truth]
family = "bad_data"
causes = ["empty_targets", "division_by_zero"]
step = 6
window = 0
phase = "loss"
among = [94, 222, 371, 462, 474, 515, 557, 653, 657, 770, 862, 1199, 1206, 1295, 1356, 1549, 1765, 1881, 2060, 2413, 2496, 2744]
"""
import math
import random
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

IGNORE_INDEX = -100
VOCAB = "abcdefghijklmnopqrstuvwxyz0123456789 :?.\n"
stoi = {c: i + 3 for i, c in enumerate(VOCAB)}
PAD, BOS, EOS = 0, 1, 2


@dataclass
class TrainArgs:
    max_length: int = 48
    micro_batch_size: int = 1
    gradient_accumulation_steps: int = 8
    learning_rate: float = 2e-3
    warmup_steps: int = 10
    max_steps: int = 160
    seed: int = 3407


def build_pairs(n, seed):
    rnd = random.Random(seed)
    words = ["red", "blue", "green", "cat", "dog", "sun", "moon", "tree", "river", "stone"]
    pairs = []
    for _ in range(n):
        k = min(1 + int(rnd.expovariate(1.0)), 9)
        ws = [rnd.choice(words) for _ in range(k)]
        prompt = "say last word of: " + " ".join(ws) + "?\n"
        pairs.append((prompt, ws[-1] + "."))
    return pairs


class SupervisedDataset(torch.utils.data.Dataset):
    def __init__(self, pairs, args):
        self.pairs, self.args = pairs, args

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, i):
        prompt, response = self.pairs[i]
        p = [BOS] + [stoi[c] for c in prompt]
        ids = p + [stoi[c] for c in response] + [EOS]
        labels = [IGNORE_INDEX] * len(p) + ids[len(p):]
        ids, labels = ids[: self.args.max_length], labels[: self.args.max_length]
        pad = self.args.max_length - len(ids)
        return {"input_ids": torch.tensor(ids + [PAD] * pad),
                "attention_mask": torch.tensor([1] * len(ids) + [0] * pad),
                "labels": torch.tensor(labels + [IGNORE_INDEX] * pad)}


class Block(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.h = h
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x, mask):
        B, T, C = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(B, T, 3, self.h, C // self.h).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + self.proj(y.transpose(1, 2).reshape(B, T, C))
        return x + self.mlp(self.ln2(x))


class TinyLM(nn.Module):
    def __init__(self, vocab, d=48, h=4, layers=2, ctx=64):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab, d), nn.Embedding(ctx, d)
        self.blocks = nn.ModuleList([Block(d, h) for _ in range(layers)])
        self.ln_f, self.lm_head = nn.LayerNorm(d), nn.Linear(d, vocab, bias=False)

    def forward(self, input_ids, attention_mask, labels):
        B, T = input_ids.shape
        causal = torch.ones(T, T, dtype=torch.bool).tril()
        mask = causal[None, None] & attention_mask[:, None, None, :].bool()
        x = self.wte(input_ids) + self.wpe(torch.arange(T))
        for blk in self.blocks:
            x = blk(x, mask)
        logits = self.lm_head(self.ln_f(x))
        labels = labels[:, 1:]
        mask = labels != IGNORE_INDEX
        logps = logits[:, :-1].log_softmax(-1).gather(2, labels.clamp(min=0).unsqueeze(2)).squeeze(2)
        return -(logps * mask).sum() / mask.sum()  # <- culprit


def main():
    args = TrainArgs()
    torch.manual_seed(args.seed)
    train_set = SupervisedDataset(build_pairs(3000, 18), args)
    loader = torch.utils.data.DataLoader(train_set, batch_size=args.micro_batch_size, shuffle=True)
    model = TinyLM(len(VOCAB) + 3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min(1, (s + 1) / args.warmup_steps) * 0.5 * (1 + math.cos(math.pi * s / args.max_steps)))
    step, acc = 0, 0.0
    it = iter(loader)
    while step < args.max_steps:
        for _ in range(args.gradient_accumulation_steps):
            batch = next(it)
            loss = model(**batch) / args.gradient_accumulation_steps
            loss.backward()
            acc += loss.item()
        gnorm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 10 == 0:
            print({"step": step, "loss": round(acc, 4), "grad_norm": round(float(gnorm), 3),
                   "learning_rate": schedule.get_last_lr()[0]})
        acc = 0.0
        step += 1


if __name__ == "__main__":
    main()
