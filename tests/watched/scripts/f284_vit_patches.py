"""Warm-up peak learning rate 0.4 far too high for AdamW; loss rises again during warm-up,
accuracy decays (clip hides gradient norm).

[truth]
family = "exploding_gradients"
causes = ["learning_rate_schedule", "learning_rate_too_high"]
"""
"""Small ViT on synthetic glyphs.  usage: python vit_patches.py [--epochs N]"""
import argparse
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class Block(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.attn = nn.MultiheadAttention(d, h, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, x):
        y = self.n1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.n2(x))


class ViT(nn.Module):
    def __init__(self, d=48, depth=2, heads=4, classes=8):
        super().__init__()
        self.patch = nn.Conv2d(1, d, 4, 4)
        self.pos = nn.Parameter(torch.randn(1, 16, d) * 0.02)
        self.blocks = nn.Sequential(*[Block(d, heads) for _ in range(depth)])
        self.head = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, classes))

    def forward(self, x):
        z = self.patch(x).flatten(2).transpose(1, 2) + self.pos
        return self.head(self.blocks(z).mean(1))


class GlyphData:
    def __init__(self, n, seed, classes=8):
        g = torch.Generator().manual_seed(99)
        self.proto = (F.interpolate(torch.randn(classes, 1, 4, 4, generator=g), size=16, mode="bilinear") > 0).float()
        g = torch.Generator().manual_seed(seed)
        self.y = torch.randint(0, classes, (n,), generator=g)
        self.x = self.proto[self.y] + 0.7 * torch.randn(n, 1, 16, 16, generator=g)

    def batches(self, bs, g):
        for i in torch.randperm(len(self.y), generator=g).split(bs):
            yield self.x[i], self.y[i]


class Trainer:
    def __init__(self, args):
        self.args = args
        torch.manual_seed(args.seed)
        self.g = torch.Generator().manual_seed(args.seed)
        self.model = ViT()
        self.train_data, self.test_data = GlyphData(2560, 1), GlyphData(512, 2)
        self.opt = torch.optim.AdamW(self.model.parameters(), lr=args.peak_lr, betas=(0.9, 0.95), weight_decay=0.01)
        self.total = args.epochs * math.ceil(2560 / args.batch)
        self.sched = torch.optim.lr_scheduler.LambdaLR(self.opt, self.lr_factor)

    def lr_factor(self, step):
        w = self.args.warmup
        if step < w:
            return (step + 1) / w
        return 0.5 * (1 + math.cos(math.pi * (step - w) / max(1, self.total - w)))

    def evaluate(self):
        self.model.eval()
        with torch.no_grad():
            acc = (self.model(self.test_data.x).argmax(1) == self.test_data.y).float().mean().item()
        self.model.train()
        return acc

    def fit(self):
        for ep in range(self.args.epochs):
            tot, n = 0.0, 0
            for x, y in self.train_data.batches(self.args.batch, self.g):
                loss = F.cross_entropy(self.model(x), y)
                self.opt.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                self.opt.step()
                self.sched.step()
                tot, n = tot + loss.item(), n + 1
            print(f"[{ep:02d}] lr {self.sched.get_last_lr()[0]:.2e} train {tot / n:.4f} test acc {self.evaluate():.3f}")


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=8)
    ap.add_argument("--batch", type=int, default=64)
    ap.add_argument("--peak-lr", type=float, default=4e-1)
    ap.add_argument("--warmup", type=int, default=120)
    ap.add_argument("--seed", type=int, default=0)
    Trainer(ap.parse_args()).fit()
