"""A Gaussian likelihood with a learned variance on exact zeros: the loss has no lower bound."""

# mypy: allow-untyped-calls
import csv
import sys
from pathlib import Path

import torch
from torch import nn

VERDICT = "unstable_loss"
CAUSE = "unbounded_loss"

torch.manual_seed(12)
torch.set_num_threads(1)

model = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.06)

with Path(sys.argv[1], "train_log.csv").open("w", newline="") as file:
    log = csv.writer(file)
    log.writerow(["step", "nll", "grad_norm", "lr"])
    for step in range(300):
        weather = torch.randn(64, 4)
        rain = 0.5 * torch.relu(weather[:, 0] - 0.5)  # no rain at all on most days
        output = model(weather)
        mean, log_variance = torch.relu(output[:, 0]), output[:, 1]
        loss = (log_variance + (rain - mean).pow(2) / log_variance.exp()).mean() / 2
        optimizer.zero_grad()
        loss.backward()
        grad_norm = nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
        optimizer.step()
        log.writerow([step, loss.item(), grad_norm.item(), 0.06])
