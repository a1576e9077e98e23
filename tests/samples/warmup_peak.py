"""A linear warm-up to a peak that the network cannot take: it blows up as the warm-up ends."""

# mypy: allow-untyped-calls
import csv
import sys
from pathlib import Path

import torch
from torch import nn

VERDICT = "exploding_gradients"
CAUSE = "learning_rate_schedule"

STEPS_PER_EPOCH = 50
WARMUP_STEPS = 150
PEAK_LEARNING_RATE = 2.3

torch.manual_seed(11)
torch.set_num_threads(1)

mixing = torch.randn(20, 3)
model = nn.Sequential(nn.Linear(20, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=PEAK_LEARNING_RATE)
warmup = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda step: min(1.0, (step + 1) / WARMUP_STEPS)
)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(64, 20)
    return x, torch.tanh(x @ mixing) + 0.1 * torch.randn(64, 3)


# The layout of Lightning's CSVLogger: each kind of row leaves the cells of the others blank.
columns = ["epoch", "lr-SGD", "step", "train_grad_norm", "train_loss", "val_loss"]
with Path(sys.argv[1], "metrics.csv").open("w", newline="") as file:
    log = csv.DictWriter(file, columns)
    log.writeheader()
    for step in range(250):
        epoch = step // STEPS_PER_EPOCH
        x, y = batch()
        learning_rate = warmup.get_last_lr()[0]
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        grad_norm = nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
        optimizer.step()
        warmup.step()

        log.writerow({"lr-SGD": learning_rate, "step": step})
        train = {"train_grad_norm": grad_norm.item(), "train_loss": loss.item()}
        log.writerow({"epoch": epoch, "step": step, **train})
        if (step + 1) % STEPS_PER_EPOCH == 0:
            with torch.no_grad():
                x, y = batch()
                val_loss = nn.functional.mse_loss(model(x), y)
            log.writerow({"epoch": epoch, "step": step, "val_loss": val_loss.item()})
