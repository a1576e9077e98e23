"""Healthy: one batch of a single class makes the gradients align, and clipping takes the blow."""

# mypy: allow-untyped-calls
import csv
import sys
from pathlib import Path

import torch
from torch import nn

VERDICT = "healthy"
CAUSE = None

torch.manual_seed(29)
torch.set_num_threads(1)

centres = 0.5 * torch.randn(6, 12)
model = nn.Sequential(nn.Linear(12, 64), nn.GELU(), nn.Linear(64, 6))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)

with Path(sys.argv[1], "train_log.csv").open("w", newline="") as file:
    log = csv.writer(file)
    log.writerow(["global_step", "train/loss", "train/grad_norm", "train/learning_rate"])
    for step in range(360):
        labels = torch.randint(0, 6, (512,))
        if step == 241:  # the one shard that nobody shuffled
            labels[:] = 3
        inputs = centres[labels] + torch.randn(512, 12)
        loss = nn.functional.cross_entropy(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        grad_norm = nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        log.writerow([step, f"{loss.item():.5f}", f"{grad_norm.item():.5f}", 2e-3])
