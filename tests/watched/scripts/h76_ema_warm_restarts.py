"""Trains a small residual CNN with warm restarts and EMA weights for evaluation.

[truth]
family = "healthy"
causes = []
"""
import argparse
from contextlib import contextmanager

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def make_shapes(n, seed):
    """discs, squares, crosses and rings at random places, 20x20 with noise"""
    g = torch.Generator().manual_seed(seed)
    yy, xx = torch.meshgrid(torch.arange(20.0), torch.arange(20.0), indexing="ij")
    y = torch.randint(0, 4, (n,), generator=g)
    c = 6 + 8 * torch.rand(n, 2, generator=g)
    r = 3 + 2 * torch.rand(n, generator=g)
    dx, dy = (xx[None] - c[:, 0, None, None]).abs(), (yy[None] - c[:, 1, None, None]).abs()
    d, rr = (dx ** 2 + dy ** 2).sqrt(), r[:, None, None]
    stack = torch.stack([d < rr, torch.maximum(dx, dy) < rr, (torch.minimum(dx, dy) < 1.2) & (torch.maximum(dx, dy) < rr), (d < rr) & (d > rr - 1.8)], 1)
    img = stack[torch.arange(n), y].float()
    return (img + 0.4 * torch.randn(img.shape, generator=g)).unsqueeze(1), y


class ResBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)
        self.c2, self.b2 = nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)

    def forward(self, x):
        return F.relu(x + self.b2(self.c2(F.relu(self.b1(self.c1(x))))))


class SmallResNet(nn.Sequential):
    def __init__(self, c=16):
        super().__init__(nn.Conv2d(1, c, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU(), ResBlock(c),
                         nn.MaxPool2d(2), ResBlock(c), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, 4))


class EMA:
    def __init__(self, model, decay):
        self.decay, self.n = decay, 0
        self.shadow = {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model):
        self.n += 1
        d = min(self.decay, (1 + self.n) / (10 + self.n))
        for k, v in model.state_dict().items():
            if v.dtype.is_floating_point:
                self.shadow[k].lerp_(v, 1 - d)
            else:
                self.shadow[k].copy_(v)

    @contextmanager
    def swapped_in(self, model):
        backup = {k: v.detach().clone() for k, v in model.state_dict().items()}
        model.load_state_dict(self.shadow)
        try:
            yield model
        finally:
            model.load_state_dict(backup)


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    hit = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    model.train()
    return hit / len(loader.dataset)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=7)
    ap.add_argument("--bs", type=int, default=50)
    ap.add_argument("--lr", type=float, default=0.1)
    ap.add_argument("--decay", type=float, default=0.98)
    ap.add_argument("--seed", type=int, default=10)
    a = ap.parse_args()
    torch.manual_seed(a.seed)
    train = DataLoader(TensorDataset(*make_shapes(3000, 1)), batch_size=a.bs, shuffle=True)
    test = DataLoader(TensorDataset(*make_shapes(600, 2)), batch_size=200)
    model = SmallResNet()
    ema = EMA(model, a.decay)
    opt = torch.optim.SGD(model.parameters(), lr=a.lr, momentum=0.9, weight_decay=5e-4)
    sched = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=len(train), T_mult=2)
    for ep in range(a.epochs):
        tot = 0.0
        for x, y in train:
            loss = F.cross_entropy(model(x), y, label_smoothing=0.05)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            ema.update(model)
            tot += loss.item()
        raw = accuracy(model, test)
        with ema.swapped_in(model):
            avg = accuracy(model, test)
        print(f"epoch {ep}  loss {tot / len(train):.4f}  lr {sched.get_last_lr()[0]:.4f}  acc raw {raw:.3f}  acc ema {avg:.3f}")


if __name__ == "__main__":
    main()
