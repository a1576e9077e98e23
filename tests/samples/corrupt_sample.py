"""One sample has a corrupt target, so the loss jumps once in every epoch; Adam shrugs it off."""

# mypy: allow-untyped-calls
import csv
import sys
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

VERDICT = "bad_data"
CAUSE = "recurring_bad_batch"

torch.manual_seed(6)
torch.set_num_threads(1)

inputs = torch.randn(1280, 6)
targets = torch.sin(inputs).sum(1, keepdim=True) + 0.05 * torch.randn(1280, 1)
targets[777] = 100.0
train = DataLoader(TensorDataset(inputs[:1024], targets[:1024]), batch_size=32)
val_inputs, val_targets = inputs[1024:], targets[1024:]

model = nn.Sequential(nn.Linear(6, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)

# The layout of Lightning's CSVLogger: each kind of row leaves the cells of the others blank.
columns = ["epoch", "grad_2.0_norm_total", "lr-AdamW", "step", "train_loss", "val_loss"]
with Path(sys.argv[1], "metrics.csv").open("w", newline="") as file:
    log = csv.DictWriter(file, columns)
    log.writeheader()
    step = 0
    for epoch in range(10):
        for x, y in train:
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            grad_norm = nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
            optimizer.step()
            log.writerow({"lr-AdamW": 2e-3, "step": step})
            log.writerow({"epoch": epoch, "grad_2.0_norm_total": grad_norm.item(), "step": step})
            log.writerow({"epoch": epoch, "step": step, "train_loss": loss.item()})
            step += 1
        with torch.no_grad():
            val_loss = nn.functional.mse_loss(model(val_inputs), val_targets)
        log.writerow({"epoch": epoch, "step": step - 1, "val_loss": val_loss.item()})
