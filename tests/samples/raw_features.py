"""Metres, seconds and pounds fed in unscaled: the first loss is huge and Adam only crawls."""

# mypy: allow-untyped-calls
import csv
import sys
from pathlib import Path

import torch
from torch import nn

VERDICT = "bad_data"
CAUSE = "unscaled_features"

torch.manual_seed(8)
torch.set_num_threads(1)

units = torch.tensor([1200.0, 3600.0, 450.0, 9000.0, 1.0, 60.0, 250.0, 5000.0])
houses = torch.randn(4096, 8)
prices = 0.5 * torch.tanh(houses @ torch.randn(8, 1)) + 0.1 * torch.randn(4096, 1)
features = units * (2.0 + houses)

model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
names = [name for name, _ in model.named_parameters()]

with Path(sys.argv[1], "train_log.csv").open("w", newline="") as file:
    log = csv.writer(file)
    log.writerow(["step", "loss", "lr", "grad_norm"] + [f"grad_norm/{name}" for name in names])
    for step in range(300):
        rows = torch.randint(0, 4096, (64,))
        loss = nn.functional.mse_loss(model(features[rows]), prices[rows])
        optimizer.zero_grad()
        loss.backward()
        norms = [p.grad.norm().item() for p in model.parameters() if p.grad is not None]
        total = torch.tensor(norms).norm().item()
        optimizer.step()
        if step % 2 == 0:
            log.writerow([step, loss.item(), 1e-3, total, *norms])
