"""Gradient accumulation over 16 micro-batches without division; updates 16x too long, diverges to
NaN.

[truth]
family = "exploding_gradients"
causes = ["undivided_accumulation", "learning_rate_too_high"]
"""
"""Surface defect classifier, in-house training job."""
import logging
import os
import tempfile
import time
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)
logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("defects")


@dataclass
class Config:
    epochs: int = 6
    micro_batch: int = 8
    accumulate: int = 16
    lr: float = 0.08
    momentum: float = 0.9
    weight_decay: float = 1e-4
    classes: int = 5
    n_images: int = 4096
    out: str = os.path.join(tempfile.gettempdir(), "defects_ckpt.pt")


def make_images(n, classes, gen):
    y = torch.randint(0, classes, (n,), generator=gen)
    yy, xx = torch.meshgrid(torch.linspace(-1, 1, 16), torch.linspace(-1, 1, 16), indexing="ij")
    ang = (y.float() / classes * torch.pi).view(-1, 1, 1)
    phase = torch.rand(n, 1, 1, generator=gen) * 6.28
    img = torch.sin(8 * (xx * torch.cos(ang) + yy * torch.sin(ang)) + phase)
    img = img + 0.5 * torch.randn(n, 16, 16, generator=gen)
    return img.unsqueeze(1), y


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 3, padding=1)
        self.c2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 16, 64)
        self.fc2 = nn.Linear(64, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def validate(model, loader):
    model.eval()
    hit = tot = 0
    with torch.no_grad():
        for x, y in loader:
            hit += (model(x).argmax(1) == y).sum().item()
            tot += len(y)
    model.train()
    return hit / tot


def main(cfg: Config):
    torch.manual_seed(0)
    gen = torch.Generator().manual_seed(17)
    full = TensorDataset(*make_images(cfg.n_images, cfg.classes, gen))
    train, val = random_split(full, [cfg.n_images - 512, 512], generator=gen)
    loader = DataLoader(train, batch_size=cfg.micro_batch, shuffle=True, drop_last=True)
    vloader = DataLoader(val, batch_size=256)
    model = Net(cfg.classes)
    opt = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=cfg.momentum, weight_decay=cfg.weight_decay)
    updates = 0
    for epoch in range(cfg.epochs):
        t = time.time()
        running = 0.0
        opt.zero_grad()
        for i, (x, y) in enumerate(loader):
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            running += loss.item()
            if (i + 1) % cfg.accumulate == 0:
                opt.step()
                opt.zero_grad()
                updates += 1
        acc = validate(model, vloader)
        log.info("epoch %d updates %d train_loss %.4f val_acc %.3f (%.1fs)", epoch, updates, running / len(loader), acc, time.time() - t)
        torch.save({"model": model.state_dict(), "opt": opt.state_dict(), "epoch": epoch}, cfg.out)


if __name__ == "__main__":
    main(Config())
