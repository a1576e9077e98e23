"""BCELoss on saturated sigmoids: a confident wrong answer costs exactly 100 and has no gradient."""

# mypy: allow-untyped-calls
import csv
import sys
from pathlib import Path

import torch
from torch import nn

VERDICT = "unstable_loss"
CAUSE = "saturated_probabilities"

torch.manual_seed(13)
torch.set_num_threads(1)

# The table is sorted by its label, with a few mistakes, and nothing shuffles it.
transactions = 3 * torch.randn(9600, 12)
fraud = (torch.arange(9600) < 3200).float()
mistaken = torch.rand(9600) < 0.02
fraud[mistaken] = 1 - fraud[mistaken]

model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 1), nn.Sigmoid(), nn.Flatten(0))
optimizer = torch.optim.SGD(model.parameters(), lr=2.0, momentum=0.9)
criterion = nn.BCELoss()

with Path(sys.argv[1], "train_log.csv").open("w", newline="") as file:
    log = csv.writer(file)
    log.writerow(["step", "loss", "grad_norm", "lr"])
    for step, rows in enumerate(torch.arange(9600).split(32)):
        loss = criterion(model(transactions[rows]), fraud[rows])
        optimizer.zero_grad()
        loss.backward()
        grad_norm = nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
        optimizer.step()
        log.writerow([step, loss.item(), grad_norm.item(), 2.0])
