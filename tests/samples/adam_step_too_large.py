"""Adam at lr=0.3 instead of 3e-4: its first steps wreck the weights and the loss never returns."""

# mypy: allow-untyped-calls
import csv
import sys
from pathlib import Path

import torch
from torch import nn

VERDICT = "exploding_gradients"
CAUSE = "learning_rate_too_high"

LEARNING_RATE = 0.3

torch.manual_seed(3)
torch.set_num_threads(1)

centres = 2.0 * torch.randn(10, 32)
model = nn.Sequential(
    nn.Linear(32, 128),
    nn.ReLU(),
    nn.Linear(128, 128),
    nn.ReLU(),
    nn.Linear(128, 128),
    nn.ReLU(),
    nn.Linear(128, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
criterion = nn.CrossEntropyLoss()

with Path(sys.argv[1], "train_log.csv").open("w", newline="") as file:
    log = csv.writer(file)
    log.writerow(["step", "loss", "grad_norm", "lr"])
    for step in range(300):
        labels = torch.randint(0, 10, (64,))
        images = centres[labels] + 1.5 * torch.randn(64, 32)
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        grad_norm = nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
        optimizer.step()
        log.writerow([step, loss.item(), grad_norm.item(), LEARNING_RATE])
