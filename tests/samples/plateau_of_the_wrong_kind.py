"""ReduceLROnPlateau told to maximise the loss: each improvement cuts the learning rate."""

# mypy: allow-untyped-calls
import csv
import sys
from pathlib import Path

import torch
from torch import nn

VERDICT = "stalled_training"
CAUSE = "collapsed_learning_rate"

torch.manual_seed(16)
torch.set_num_threads(1)

centres = 0.8 * torch.randn(6, 20)
labels = torch.randint(0, 6, (1280,))
inputs = centres[labels] + torch.randn(1280, 20)

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 6))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
    optimizer, mode="max", patience=1, factor=0.1
)
criterion = nn.CrossEntropyLoss()

# The layout of Keras's CSVLogger: one row per epoch, columns in alphabetical order.
with Path(sys.argv[1], "training.log").open("w", newline="") as file:
    log = csv.writer(file)
    log.writerow(["epoch", "accuracy", "learning_rate", "loss", "val_accuracy", "val_loss"])
    for epoch in range(40):
        learning_rate = optimizer.param_groups[0]["lr"]
        total, correct = 0.0, 0
        for rows in torch.randperm(1024).split(64):
            logits = model(inputs[rows])
            loss = criterion(logits, labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
            correct += int((logits.argmax(1) == labels[rows]).sum())
        with torch.no_grad():
            logits = model(inputs[1024:])
            val_loss = criterion(logits, labels[1024:]).item()
            val_accuracy = (logits.argmax(1) == labels[1024:]).float().mean().item()
        scheduler.step(val_loss)
        row = [epoch, correct / 1024, learning_rate, total / 16, val_accuracy, val_loss]
        log.writerow(row)
