"""Trains a two-tower contrastive model with a learnable temperature on paired views.

[truth]
family = "healthy"
causes = []
"""
import argparse
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def paired_data(n, seed):
    """latent z seen through an 'image' map and a 'caption' (token) map"""
    g = torch.Generator().manual_seed(seed)
    w = torch.Generator().manual_seed(77)
    A = torch.randn(12, 64, generator=w)
    z = torch.randn(n, 12, generator=g)
    img = torch.tanh(z @ A) + 0.3 * torch.randn(n, 64, generator=g)
    tok = (z * 2.5).round().clamp(-5, 5).long() + 5
    tok = tok + 11 * torch.arange(12)
    drop = torch.rand(tok.shape, generator=g) < 0.1
    return img, tok.masked_fill(drop, 132)


class ImageTower(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 128), nn.GELU(), nn.LayerNorm(128), nn.Linear(128, d))

    def forward(self, x):
        return self.net(x)


class TextTower(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.emb = nn.EmbeddingBag(133, 128, mode="mean", padding_idx=132)
        self.proj = nn.Sequential(nn.LayerNorm(128), nn.Linear(128, 128), nn.GELU(), nn.Linear(128, d))

    def forward(self, t):
        return self.proj(self.emb(t))


class TwoTower(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.image, self.text = ImageTower(d), TextTower(d)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def forward(self, img, tok):
        a = F.normalize(self.image(img), dim=-1)
        b = F.normalize(self.text(tok), dim=-1)
        return self.logit_scale.exp() * a @ b.T


def clip_loss(logits):
    t = torch.arange(len(logits))
    return (F.cross_entropy(logits, t) + F.cross_entropy(logits.T, t)) / 2


def lr_at(step, total, base, warmup):
    if step < warmup:
        return base * (step + 1) / warmup
    return base * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))


@torch.no_grad()
def recall(model, img, tok):
    model.eval()
    L = model(img, tok)
    t = torch.arange(len(L))
    r1 = (L.argmax(1) == t).float().mean().item()
    r5 = (L.topk(5, 1).indices == t[:, None]).any(1).float().mean().item()
    model.train()
    return r1, r5


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=700)
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--warmup", type=int, default=50)
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()
    torch.manual_seed(a.seed)
    img, tok = paired_data(6000, 1)
    vimg, vtok = paired_data(300, 2)
    model = TwoTower()
    decay = [p for n, p in model.named_parameters() if p.ndim >= 2]
    no_decay = [p for n, p in model.named_parameters() if p.ndim < 2]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": no_decay, "weight_decay": 0.0}], lr=a.lr, betas=(0.9, 0.98), eps=1e-6)
    for step in range(a.steps):
        lr = lr_at(step, a.steps, a.lr, a.warmup)
        for g in opt.param_groups:
            g["lr"] = lr
        b = torch.randint(0, len(img), (a.batch,))
        loss = clip_loss(model(img[b], tok[b]))
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        if step % 70 == 0 or step == a.steps - 1:
            r1, r5 = recall(model, vimg, vtok)
            print(f"step {step:4d} lr {lr:.2e} loss {loss.item():.4f} scale {model.logit_scale.exp().item():.2f} R@1 {r1:.3f} R@5 {r5:.3f}")


if __name__ == "__main__":
    main()
