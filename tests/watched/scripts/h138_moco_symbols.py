"""Contrastive loss at ln(N) plateau until about step 120 then breaks.

[truth]
family = "healthy"
causes = []
"""
"""Contrastive pretraining on symbol sequences (InfoNCE)."""
import argparse
import math
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class Encoder(nn.Module):
    def __init__(self, vocab=32, d=64):
        super().__init__()
        self.bag = nn.EmbeddingBag(vocab, d, mode="mean")
        self.body = nn.Sequential(nn.Linear(d, 96), nn.GELU(), nn.Linear(96, 24))
        nn.init.normal_(self.bag.weight, std=0.02)
        nn.init.normal_(self.body[-1].weight, std=0.004)
        nn.init.normal_(self.body[-1].bias, std=0.1)

    def forward(self, ids):
        return F.normalize(self.body(self.bag(ids)), dim=-1)


def views(n, g, vocab=32, length=12):
    """Each item owns a key symbol set; two views share it and are otherwise random."""
    key = torch.randint(0, vocab, (n, 4), generator=g)
    out = []
    for _ in range(2):
        x = torch.randint(0, vocab, (n, length), generator=g)
        for j in range(4):
            x.scatter_(1, torch.rand(n, length, generator=g).topk(2, -1).indices, key[:, j:j + 1].expand(-1, 2))
        out.append(x)
    return out[0], out[1], key


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--steps", type=int, default=900)
    ap.add_argument("--bs", type=int, default=128)
    ap.add_argument("--t", type=float, default=0.2)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--warm", type=int, default=300)
    a = ap.parse_args()
    torch.manual_seed(9)
    g = torch.Generator().manual_seed(9)
    net = Encoder()
    opt = torch.optim.AdamW(net.parameters(), lr=a.lr)
    sch = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, ((s + 1) / a.warm) ** 2))
    target = torch.arange(a.bs)
    print("ln(N) =", round(math.log(a.bs), 3))
    for s in range(a.steps):
        x1, x2, _ = views(a.bs, g)
        sim = net(x1) @ net(x2).t() / a.t
        loss = 0.5 * (F.cross_entropy(sim, target) + F.cross_entropy(sim.t(), target))
        opt.zero_grad()
        loss.backward()
        opt.step()
        sch.step()
        if s % 75 == 0:
            print(f"step {s} loss {loss.item():.4f} top1 {(sim.argmax(1) == target).float().mean():.3f}")


if __name__ == "__main__":
    main()
