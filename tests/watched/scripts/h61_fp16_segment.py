"""Trains a cell segmentation net under float16 autocast with loss scaling on the CPU.

[truth]
family = "healthy"
causes = []
"""
import logging

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, IterableDataset

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
log = logging.getLogger("seg")


class CellStream(IterableDataset):
    def __init__(self, count, seed, size=24):
        self.count, self.seed, self.size = count, seed, size

    def __iter__(self):
        g = torch.Generator().manual_seed(self.seed)
        r = torch.arange(self.size, dtype=torch.float32)
        for _ in range(self.count):
            mask = torch.zeros(self.size, self.size)
            for _ in range(int(torch.randint(1, 4, (1,), generator=g))):
                cx, cy, rad = torch.rand(3, generator=g) * torch.tensor([20.0, 20.0, 3.0]) + 2
                mask[((r[None] - cx) ** 2 + (r[:, None] - cy) ** 2) < rad ** 2] = 1
            noise = torch.randn(self.size, self.size, generator=g)
            img = 0.8 * mask + 0.6 * noise + 0.3 * torch.randn(1, generator=g)
            yield img[None], mask[None]


def conv(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.GroupNorm(4, o), nn.ReLU(inplace=True))


class MiniUNet(nn.Module):
    def __init__(self, c=12):
        super().__init__()
        self.e1, self.e2 = conv(1, c), conv(c, 2 * c)
        self.d1 = conv(3 * c, c)
        self.out = nn.Conv2d(c, 1, 1)

    def forward(self, x):
        a = self.e1(x)
        b = self.e2(F.max_pool2d(a, 2))
        return self.out(self.d1(torch.cat([a, F.interpolate(b, scale_factor=2)], 1)))


def loss_fn(logits, y):
    logits = logits.float()
    p = torch.sigmoid(logits)
    dice = 1 - (2 * (p * y).sum((1, 2, 3)) + 1) / (p.sum((1, 2, 3)) + y.sum((1, 2, 3)) + 1)
    # summed over pixels, as in the paper
    return F.binary_cross_entropy_with_logits(logits, y, reduction="none").sum((1, 2, 3)).mean() + 50 * dice.mean()


def iou(net, loader):
    inter = union = 0.0
    net.eval()
    with torch.no_grad():
        for x, y in loader:
            p = (net(x) > 0).float()
            inter += (p * y).sum().item()
            union += ((p + y) > 0).sum().item()
    net.train()
    return inter / union


def main():
    torch.manual_seed(12)
    net = MiniUNet()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 16, growth_interval=25)
    test = DataLoader(CellStream(96, seed=999), batch_size=32)
    for epoch in range(5):
        total = n = 0
        for x, y in DataLoader(CellStream(320, seed=epoch), batch_size=16):
            opt.zero_grad()
            with torch.autocast("cpu", dtype=torch.float16):
                logits = net(x)
            loss = loss_fn(logits, y)
            scaler.scale(loss).backward()
            scaler.unscale_(opt)
            torch.nn.utils.clip_grad_norm_(net.parameters(), 100.0)
            scaler.step(opt)
            scaler.update()
            total += loss.item()
            n += 1
        log.info("epoch %d loss %.2f scale %.0f iou %.3f", epoch, total / n, scaler.get_scale(), iou(net, test))


if __name__ == "__main__":
    main()
