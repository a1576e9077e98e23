"""Trains an intent classifier on synthetic utterances: float32 first, then a fine-tuning pass in float16.

[truth]
family = "unstable_loss"
causes = ["half_precision_optimizer", "half_precision_underflow"]
step = 240
window = 1
phase = "optimizer"
"""
import argparse
import math
import random

import torch
import torch.nn as nn

ap = argparse.ArgumentParser()
ap.add_argument("--pretrain-steps", type=int, default=240)
ap.add_argument("--finetune-steps", type=int, default=120)
ap.add_argument("--bsz", type=int, default=32)
ap.add_argument("--seed", type=int, default=1234)
cfg = ap.parse_args()

random.seed(cfg.seed)
torch.manual_seed(cfg.seed)
torch.set_num_threads(1)

N_INTENT, VOCAB, L = 12, 300, 16


def utterances(n, domain, g):
    """Domain 0 is the public corpus, domain 1 the in-house one (other filler words)."""
    y = torch.randint(0, N_INTENT, (n,), generator=g)
    x = torch.randint(100 + 100 * domain, 200 + 100 * domain, (n, L), generator=g)
    for j in range(3):
        pos = torch.randint(0, L, (n,), generator=g)
        x[torch.arange(n), pos] = y * 8 + torch.randint(0, 8, (n,), generator=g)
    return x, y


class SelfAttn(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.h, self.qkv, self.o = h, nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, x):
        B, T, D = x.shape
        q, k, v = self.qkv(x).view(B, T, 3, self.h, D // self.h).permute(2, 0, 3, 1, 4)
        a = (q @ k.transpose(-1, -2) / math.sqrt(D // self.h)).softmax(-1)
        return self.o((a @ v).transpose(1, 2).reshape(B, T, D))


class IntentNet(nn.Module):
    def __init__(self, d=48):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, d)
        self.pos = nn.Parameter(torch.randn(L, d) * 0.02)
        self.n1, self.att = nn.LayerNorm(d), SelfAttn(d, 4)
        self.n2, self.mlp = nn.LayerNorm(d), nn.Sequential(nn.Linear(d, 96), nn.GELU(), nn.Linear(96, d))
        self.out = nn.Linear(d, N_INTENT)

    def forward(self, ids):
        x = self.tok(ids) + self.pos
        x = x + self.att(self.n1(x))
        x = x + self.mlp(self.n2(x))
        return self.out(x.mean(1))


def run_stage(name, model, data, steps, lr, g):
    opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    X, Y = data
    for i in range(steps):
        idx = torch.randint(0, len(X), (cfg.bsz,), generator=g)
        logits = model(X[idx])
        loss = nn.functional.cross_entropy(logits.float(), Y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()  # <- culprit
        if i % 20 == 0:
            acc = (logits.argmax(-1) == Y[idx]).float().mean()
            print(f"{name:9s} {i:4d} loss {loss.item():.4f} acc {acc.item():.3f}")


def main():
    g = torch.Generator().manual_seed(cfg.seed)
    public, inhouse = utterances(4000, 0, g), utterances(1500, 1, g)
    model = IntentNet()
    run_stage("public", model, public, cfg.pretrain_steps, 1e-3, g)
    # the in-house stage runs in the precision we deploy in
    model = model.half()
    run_stage("in-house", model, inhouse, cfg.finetune_steps, 2e-4, g)
    X, Y = utterances(1000, 1, g)
    with torch.no_grad():
        print("in-house accuracy %.3f" % (model(X).argmax(-1) == Y).float().mean().item())


if __name__ == "__main__":
    main()
