"""Encoder forward under torch.no_grad: its parameters never get gradients, only scale and bias
learn.

[truth]
family = "stalled_training"
causes = ["nothing_learned"]
step = 0
"""
"""Metric learning for handwriting strokes with accelerate."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from accelerate import Accelerator
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


class Encoder(nn.Module):
    def __init__(self, d_in=24, d=32):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(d_in, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, d))

    @torch.no_grad()
    def forward(self, x):
        self.train(False)
        return F.normalize(self.body(x), dim=-1)


class PairModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.bias = nn.Parameter(torch.tensor(0.0))

    def forward(self, a, b):
        return self.scale * (self.encoder(a) * self.encoder(b)).sum(-1) + self.bias


def pairs(n, g):
    """Two strokes match when their slant code agrees."""
    a = torch.randn(n, 24, generator=g)
    b = torch.randn(n, 24, generator=g)
    code = lambda z: (z[:, :3].sum(1) > 0).float()
    return TensorDataset(a, b, (code(a) == code(b)).float())


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=8)
    ap.add_argument("--lr", type=float, default=2e-3)
    args = ap.parse_args()
    acc = Accelerator(cpu=True)
    torch.manual_seed(19)
    g = torch.Generator().manual_seed(19)
    model = PairModel()
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.0)
    dl = DataLoader(pairs(6144, g), batch_size=64, shuffle=True)
    model, opt, dl = acc.prepare(model, opt, dl)
    for ep in range(args.epochs):
        tot = ok = n = 0
        for a, b, y in dl:
            out = model(a, b)
            loss = F.binary_cross_entropy_with_logits(out, y)
            opt.zero_grad()
            acc.backward(loss)
            opt.step()
            tot += loss.item() * len(y)
            ok += ((out > 0) == (y > 0.5)).sum().item()
            n += len(y)
        acc.print(f"epoch {ep} loss {tot / n:.4f} match acc {ok / n:.3f}")


if __name__ == "__main__":
    main()
