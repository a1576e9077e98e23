"""Masked pre-training of a series encoder, a frozen probe with its own optimizer, then full fine-tuning.

[truth]
family = "healthy"
causes = []
"""
import math

import torch
from torch import nn


def make(n, length=64, seed=0):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 4, (n,), generator=g)
    t = torch.arange(length) / length
    f = (2 + 2 * y).float()[:, None] + 0.4 * torch.randn(n, 1, generator=g)
    ph = 2 * math.pi * torch.rand(n, 1, generator=g)
    x = torch.sin(2 * math.pi * f * t + ph) * (0.6 + 0.8 * torch.rand(n, 1, generator=g))
    return x + 0.2 * torch.randn(n, length, generator=g), y


class Encoder(nn.Module):
    def __init__(self, patch=8, n_patch=8, dim=48):
        super().__init__()
        self.patch = patch
        self.embed = nn.Linear(patch, dim)
        self.pos = nn.Parameter(0.02 * torch.randn(n_patch, dim))
        self.mask = nn.Parameter(torch.zeros(dim))
        layer = nn.TransformerEncoderLayer(dim, 4, 96, dropout=0.0, batch_first=True, norm_first=True)
        self.tr = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x, hide=None):
        h = self.embed(x.unflatten(1, (-1, self.patch)))
        if hide is not None:
            h = torch.where(hide[..., None], self.mask, h)
        return self.tr(h + self.pos)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = nn.Linear(48, 8)
        self.classifier = nn.Linear(48, 4)


def pretrain(m, x, epochs):
    opt = torch.optim.AdamW([*m.encoder.parameters(), *m.decoder.parameters()], lr=2e-3)
    for e in range(epochs):
        for xb in x[torch.randperm(len(x))].split(64):
            hide = torch.rand(len(xb), 8) < 0.4
            rec = m.decoder(m.encoder(xb, hide))
            loss = (rec - xb.unflatten(1, (-1, 8)))[hide].pow(2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
        print("pretrain", e, round(loss.item(), 4))


def classify(m, x, y, xv, yv, epochs, opt, tag):
    for e in range(epochs):
        for idx in torch.randperm(len(x)).split(64):
            loss = nn.functional.cross_entropy(m.classifier(m.encoder(x[idx]).mean(1)), y[idx])
            m.zero_grad(set_to_none=False)
            loss.backward()
            opt.step()
        with torch.no_grad():
            acc = (m.classifier(m.encoder(xv).mean(1)).argmax(1) == yv).float().mean().item()
        print(tag, e, f"loss {loss.item():.4f} val acc {acc:.3f}")


def main():
    torch.manual_seed(2)
    x, y = make(1600)
    xv, yv = make(400, seed=1)
    m = Model()
    pretrain(m, x, 5)
    m.encoder.requires_grad_(False)
    classify(m, x, y, xv, yv, 3, torch.optim.SGD(m.parameters(), lr=0.2, momentum=0.9), "probe")
    m.encoder.requires_grad_(True)
    m.decoder.requires_grad_(False)
    classify(m, x, y, xv, yv, 5, torch.optim.AdamW(m.parameters(), lr=5e-4), "tune")


if __name__ == "__main__":
    main()
