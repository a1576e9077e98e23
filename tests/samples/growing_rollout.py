"""A simulator unrolled over ever longer horizons of a chaotic system, with nothing to clip it."""

# mypy: allow-untyped-calls
import csv
import sys
from pathlib import Path

import torch
from torch import nn

VERDICT = "exploding_gradients"
CAUSE = "gradient_growth"

STEPS_PER_STAGE = 20

torch.manual_seed(4)
torch.set_num_threads(1)


def henon(state: torch.Tensor) -> torch.Tensor:
    x, y = state.unbind(1)
    return torch.stack([1 - 1.4 * x**2 + y, 0.3 * x], 1)


orbit = 0.1 * torch.randn(256, 2)
for _ in range(50):
    orbit = henon(orbit)

model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.08)

with Path(sys.argv[1], "log.csv").open("w", newline="") as file:
    log = csv.writer(file)
    log.writerow(["iteration", "train_loss", "gnorm"])
    for iteration in range(300):
        horizon = 1 + max(0, iteration - 100) // STEPS_PER_STAGE
        orbit = henon(orbit)
        predicted, actual = orbit, orbit
        loss = torch.zeros(())
        for _ in range(horizon):
            predicted, actual = model(predicted), henon(actual)
            loss = loss + nn.functional.mse_loss(predicted, actual) / horizon
        optimizer.zero_grad()
        loss.backward()
        gnorm = nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
        optimizer.step()
        log.writerow([iteration, loss.item(), gnorm.item()])
