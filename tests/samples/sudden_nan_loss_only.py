"""log(p) of a probability that underflows to 0, in a log of nothing but every tenth loss."""

# mypy: allow-untyped-calls
import csv
import sys
from pathlib import Path

import torch
from torch import nn

VERDICT = "inconclusive"
CAUSE = None

torch.manual_seed(18)
torch.set_num_threads(1)

prototypes = torch.randn(8, 12)
model = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 8))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

with Path(sys.argv[1], "loss.csv").open("w", newline="") as file:
    log = csv.writer(file)
    log.writerow(["step", "loss"])
    for step in range(600):
        labels = torch.randint(0, 8, (32,))
        inputs = prototypes[labels] + torch.randn(32, 12)
        if step == 437:  # one mislabelled, confidently classified example
            inputs[3] = 60 * prototypes[0]
            labels[3] = 1
        probabilities = torch.softmax(model(inputs), dim=1)
        loss = -probabilities[torch.arange(32), labels].log().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 0:
            log.writerow([step, loss.item()])
