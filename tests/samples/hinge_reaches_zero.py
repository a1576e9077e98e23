"""Healthy: a hinge loss on separable classes reaches exactly 0, and so does its gradient."""

# mypy: allow-untyped-calls
import csv
import sys
from pathlib import Path

import torch
from torch import nn

VERDICT = "healthy"
CAUSE = None

torch.manual_seed(27)
torch.set_num_threads(1)

centres = 6.0 * torch.randn(4, 10)
model = nn.Linear(10, 4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
criterion = nn.MultiMarginLoss()

with Path(sys.argv[1], "train_log.csv").open("w", newline="") as file:
    log = csv.writer(file)
    log.writerow(["step", "loss", "grad_norm", "lr"])
    for step in range(300):
        labels = torch.randint(0, 4, (32,))
        loss = criterion(model(centres[labels] + torch.randn(32, 10)), labels)
        optimizer.zero_grad()
        loss.backward()
        grad_norm = nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
        optimizer.step()
        log.writerow([step, loss.item(), grad_norm.item(), 0.01])
