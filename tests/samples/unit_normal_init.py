"""Every weight drawn from N(0, 1): each layer multiplies the signal, so step 0 is absurd."""

# mypy: allow-untyped-calls
import csv
import sys
from pathlib import Path

import torch
from torch import nn

VERDICT = "exploding_gradients"
CAUSE = "poor_initialization"

torch.manual_seed(0)
torch.set_num_threads(1)


class Regressor(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(64, 64) for _ in range(5)])
        self.head = nn.Linear(64, 1)
        for parameter in self.parameters():
            nn.init.normal_(parameter)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = torch.relu(layer(x))
        output: torch.Tensor = self.head(x)
        return output


true_weights = torch.randn(64, 1) / 8
model = Regressor()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
names = [name for name, _ in model.named_parameters()]

with Path(sys.argv[1], "train_log.csv").open("w", newline="") as file:
    log = csv.writer(file)
    log.writerow(["step", "loss", "lr", "grad_norm"] + [f"grad_norm/{name}" for name in names])
    for step in range(40):
        x = torch.randn(32, 64)
        y = x @ true_weights
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        norms = [p.grad.norm().item() for p in model.parameters() if p.grad is not None]
        total = torch.tensor(norms).norm().item()
        optimizer.step()
        log.writerow([step, loss.item(), 1e-3, total, *norms])
