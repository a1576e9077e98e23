"""Healthy: each warm restart of the cosine schedule lifts the loss, and it comes back down."""

# mypy: allow-untyped-calls
import csv
import sys
from pathlib import Path

import torch
from torch import nn

VERDICT = "healthy"
CAUSE = None

STEPS_PER_EPOCH = 40

torch.manual_seed(22)
torch.set_num_threads(1)

centres = 1.2 * torch.randn(8, 16)
model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=80, eta_min=1e-4)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    labels = torch.randint(0, 8, (64,))
    return centres[labels] + torch.randn(64, 16), labels


# The layout of Lightning's CSVLogger: each kind of row leaves the cells of the others blank.
columns = ["epoch", "lr-SGD", "step", "train/grad_norm", "train/loss", "val/loss"]
with Path(sys.argv[1], "metrics.csv").open("w", newline="") as file:
    log = csv.DictWriter(file, columns)
    log.writeheader()
    for step in range(320):
        epoch = step // STEPS_PER_EPOCH
        learning_rate = scheduler.get_last_lr()[0]
        x, labels = batch()
        loss = nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        grad_norm = nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
        optimizer.step()
        scheduler.step()

        log.writerow({"lr-SGD": learning_rate, "step": step})
        train = {"train/grad_norm": grad_norm.item(), "train/loss": loss.item()}
        log.writerow({"epoch": epoch, "step": step, **train})
        if (step + 1) % STEPS_PER_EPOCH == 0:
            with torch.no_grad():
                x, labels = batch()
                val_loss = nn.functional.cross_entropy(model(x), labels)
            log.writerow({"epoch": epoch, "step": step, "val/loss": val_loss.item()})
