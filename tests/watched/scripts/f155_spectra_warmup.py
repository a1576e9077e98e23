"""Trains a 1-D convnet to recognise the material in synthetic spectra.

[truth]
family = "exploding_gradients"
causes = ["learning_rate_schedule", "learning_rate_too_high"]
step = 98
window = 30
"""
# adapted from our image repo, spectra instead of pictures
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class cfg:
    epochs = 6
    warmup_epochs = 4
    base_lr = 0.05
    batch_size = 64
    n_materials = 12
    seed = 42


class Spectra(Dataset):
    """Each material has three lines; a measurement shifts, scales and blurs them."""

    def __init__(self, n=2560, length=128, seed=0):
        lines = torch.rand(cfg.n_materials, 3, generator=torch.Generator().manual_seed(cfg.seed))
        g = torch.Generator().manual_seed(seed)
        t = torch.linspace(0, 1, length)
        self.y = torch.randint(cfg.n_materials, (n,), generator=g)
        centre = lines[self.y] + 0.02 * torch.randn(n, 1, generator=g)
        amp = 0.4 + torch.rand(n, 3, generator=g)
        width = 0.02 + 0.03 * torch.rand(n, 1, generator=g)
        peaks = amp[..., None] * torch.exp(-((t - centre[..., None]) / width[..., None]) ** 2)
        self.x = peaks.sum(1) + 0.15 * torch.randn(n, length, generator=g)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i].unsqueeze(0), self.y[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(1, 16, 7, stride=2, padding=3), nn.ReLU(),
            nn.Conv1d(16, 32, 5, stride=2, padding=2), nn.ReLU(),
            nn.Conv1d(32, 32, 5, stride=2, padding=2), nn.ReLU(),
        )
        self.head = nn.Sequential(nn.LayerNorm(32 * 16), nn.Linear(32 * 16, cfg.n_materials))

    def forward(self, x):
        return self.head(self.body(x).flatten(1))


def adjust_learning_rate(optimizer, epoch, it, iters_per_epoch):
    """Linear warm-up, then half-cycle cosine."""
    if epoch < cfg.warmup_epochs:
        lr = cfg.base_lr * (it + 1) / cfg.warmup_epochs
    else:
        done = (it / iters_per_epoch - cfg.warmup_epochs) / (cfg.epochs - cfg.warmup_epochs)
        lr = cfg.base_lr * 0.5 * (1 + math.cos(math.pi * done))
    for group in optimizer.param_groups:
        group["lr"] = lr
    return lr


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    good = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    model.train()
    return 100.0 * good / len(loader.dataset)


def main():
    torch.manual_seed(cfg.seed)
    loader = DataLoader(Spectra(seed=1), batch_size=cfg.batch_size, shuffle=True, drop_last=True)
    test = DataLoader(Spectra(512, seed=2), batch_size=256)
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=cfg.base_lr, momentum=0.9, weight_decay=1e-4)
    it = 0
    for epoch in range(cfg.epochs):
        running = 0.0
        for i, (x, y) in enumerate(loader):
            adjust_learning_rate(optimizer, epoch, it, len(loader))
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item()
            if i % 10 == 0:
                print(f"[{epoch}][{i}/{len(loader)}] loss {loss.item():.4f}")
            it += 1
        print(f"epoch {epoch} mean loss {running / len(loader):.4f} test acc {evaluate(model, test):.1f}")


if __name__ == "__main__":
    main()
