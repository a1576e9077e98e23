"""Healthy: the model memorises a small training set, so only the validation loss climbs."""

# mypy: allow-untyped-calls
import csv
import sys
from pathlib import Path

import torch
from torch import nn

VERDICT = "healthy"
CAUSE = None

torch.manual_seed(31)
torch.set_num_threads(1)

inputs = torch.randn(512, 20)
labels = (inputs[:, 0] + inputs[:, 1] * inputs[:, 2] + torch.randn(512) > 0).float()

model = nn.Sequential(nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.BCEWithLogitsLoss()


def accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    return ((logits > 0) == (labels > 0.5)).float().mean().item()


# The layout of Keras's CSVLogger: one row per epoch, columns in alphabetical order.
with Path(sys.argv[1], "history.csv").open("w", newline="") as file:
    log = csv.writer(file)
    log.writerow(["epoch", "accuracy", "learning_rate", "loss", "val_accuracy", "val_loss"])
    for epoch in range(50):
        total, correct = 0.0, 0.0
        for rows in torch.randperm(256).split(32):
            logits = model(inputs[rows])
            loss = criterion(logits, labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / 8
            correct += accuracy(logits, labels[rows]) / 8
        with torch.no_grad():
            logits = model(inputs[256:])
            val_loss = criterion(logits, labels[256:]).item()
        val_accuracy = accuracy(logits, labels[256:])
        log.writerow([epoch, correct, 3e-3, total, val_accuracy, val_loss])
