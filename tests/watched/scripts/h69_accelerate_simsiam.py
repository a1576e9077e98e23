"""Trains SimSiam on synthetic 1-D spectra with Accelerate, then a linear probe on the frozen encoder.

[truth]
family = "healthy"
causes = []
"""
import math
from types import SimpleNamespace

import torch
import torch.nn as nn
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
args = SimpleNamespace(epochs=12, bs=16, accum=4, lr=0.08, warmup=30, dim=64, probe_epochs=12)


class Spectra(Dataset):
    def __init__(self, n, seed, views=True):
        g = torch.Generator().manual_seed(seed)
        grid = torch.linspace(0, 1, 80)
        self.y = torch.randint(0, 5, (n,), generator=g)
        lines = torch.rand(5, 4, generator=torch.Generator().manual_seed(99))
        mu = lines[self.y] + 0.01 * torch.randn(n, 4, generator=g)
        amp = 0.5 + torch.rand(n, 4, generator=g)
        self.x = (amp[..., None] * torch.exp(-((grid - mu[..., None]) / 0.02) ** 2)).sum(1)
        self.views = views

    def __len__(self):
        return len(self.x)

    def augment(self, x):
        x = torch.roll(x, int(torch.randint(-2, 3, (1,)))) * (0.7 + 0.6 * torch.rand(1))
        return x + 0.1 * torch.randn_like(x)

    def __getitem__(self, i):
        if self.views:
            return self.augment(self.x[i]), self.augment(self.x[i])
        return self.x[i] + 0.1 * torch.randn(80), self.y[i]


def bn_mlp(i, h, o, last_bn):
    l = [nn.Linear(i, h, bias=False), nn.BatchNorm1d(h), nn.ReLU(), nn.Linear(h, o)]
    return nn.Sequential(*l, *([nn.BatchNorm1d(o, affine=False)] if last_bn else []))


class SimSiam(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.encoder = nn.Sequential(nn.Unflatten(1, (1, 80)), nn.Conv1d(1, 16, 5, 2, 2), nn.BatchNorm1d(16), nn.ReLU(),
                                     nn.Conv1d(16, 32, 5, 2, 2), nn.BatchNorm1d(32), nn.ReLU(), nn.Flatten(),
                                     bn_mlp(32 * 20, d, d, True))
        self.predictor = bn_mlp(d, d // 4, d, False)

    def forward(self, a, b):
        za, zb = self.encoder(a), self.encoder(b)
        pa, pb = self.predictor(za), self.predictor(zb)
        loss = -(F.cosine_similarity(pa, zb.detach()).mean() + F.cosine_similarity(pb, za.detach()).mean()) / 2
        return loss, F.normalize(za, dim=1).std(0).mean()


def main():
    set_seed(7)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=args.accum)
    model = SimSiam(args.dim)
    opt = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, weight_decay=1e-4)
    loader = DataLoader(Spectra(2000, 1), batch_size=args.bs, shuffle=True, drop_last=True)
    total = args.epochs * math.ceil(len(loader) / args.accum)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1, (s + 1) / args.warmup)
                                              * 0.5 * (1 + math.cos(math.pi * min(1, s / total))))
    model, opt, loader, sched = accelerator.prepare(model, opt, loader, sched)
    for epoch in range(args.epochs):
        for a, b in loader:
            with accelerator.accumulate(model):
                loss, spread = model(a, b)
                accelerator.backward(loss)
                opt.step()
                sched.step()
                opt.zero_grad()
        accelerator.print(f"epoch {epoch:2d} loss {loss.item():.4f} feature std {spread.item():.4f} "
                          f"(collapse: 0, ideal: {args.dim ** -0.5:.4f})")

    encoder = accelerator.unwrap_model(model).encoder.eval().requires_grad_(False)
    probe = nn.Linear(args.dim, 5)
    popt = torch.optim.Adagrad(probe.parameters(), lr=0.1)
    train = DataLoader(Spectra(400, 2, views=False), batch_size=8, shuffle=True)
    test = DataLoader(Spectra(500, 3, views=False), batch_size=250)
    for epoch in range(args.probe_epochs):
        for x, y in train:
            loss = F.cross_entropy(probe(encoder(x)), y)
            popt.zero_grad()
            loss.backward()
            popt.step()
        if epoch % 3 == 2:
            with torch.no_grad():
                acc = torch.cat([(probe(encoder(x)).argmax(1) == y).float() for x, y in test]).mean()
            accelerator.print(f"probe {epoch + 1} loss {loss.item():.4f} test acc {acc.item():.3f}")


if __name__ == "__main__":
    main()
