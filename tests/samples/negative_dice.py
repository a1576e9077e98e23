"""Healthy: the loss is minus the Dice overlap, so it starts near -0.1 and should approach -1."""

# mypy: allow-untyped-calls
import csv
import sys
from pathlib import Path

import torch
from torch import nn

VERDICT = "healthy"
CAUSE = None

torch.manual_seed(25)
torch.set_num_threads(1)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Noisy 16 x 16 scans, each with one bright disc to be outlined."""
    rows, columns = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    y, x = torch.randint(4, 12, (2, 8, 1, 1))
    masks = ((rows - y) ** 2 + (columns - x) ** 2 < 9).float()
    return (masks + 0.5 * torch.randn(8, 16, 16)).unsqueeze(1), masks.unsqueeze(1)


def negative_dice(prediction: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    overlap = (prediction * mask).sum((1, 2, 3))
    return -((2 * overlap + 1) / (prediction.sum((1, 2, 3)) + mask.sum((1, 2, 3)) + 1)).mean()


model = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1),
    nn.InstanceNorm2d(8, affine=True),
    nn.LeakyReLU(),
    nn.Conv2d(8, 8, 3, padding=1),
    nn.LeakyReLU(),
    nn.Conv2d(8, 1, 1),
    nn.Sigmoid(),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.95, nesterov=True)
scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=80, power=0.9)

with Path(sys.argv[1], "progress.csv").open("w", newline="") as file:
    log = csv.writer(file)
    log.writerow(["epoch", "train_loss", "val_loss", "lr"])
    for epoch in range(80):
        total = 0.0
        for _ in range(5):
            scans, masks = batch()
            loss = negative_dice(model(scans), masks)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 12)
            optimizer.step()
            total += loss.item()
        with torch.no_grad():
            scans, masks = batch()
            val_loss = negative_dice(model(scans), masks).item()
        row = [total / 5, val_loss, scheduler.get_last_lr()[0]]
        log.writerow([epoch, *(f"{value:.4f}" for value in row)])
        scheduler.step()
