"""Forecasts traffic with batch normalisation; batches with a broken loss are skipped.

[truth]
family = "corrupted_state"
causes = ["poisoned_buffers", "nonfinite_input"]
step = 3
window = 0
phase = "state"
samples = [77]
"""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(6, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 1)
        )

    def forward(self, x):
        return self.body(x).squeeze(1)  # <- culprit


def counts(n):
    x = torch.randn(n, 6)
    return x, x[:, 0] - 0.5 * x[:, 1] * x[:, 2]


@torch.no_grad()
def validate(model, x, y):
    model.eval()
    err = (model(x) - y).abs().mean().item()
    model.train()
    return err


torch.manual_seed(25)
x, y = counts(400)
x[77, 3] = math.inf  # detector overflow
vx, vy = counts(100)
model = Forecaster()
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(5):
    skipped = 0
    for bx, by in DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True):
        loss = nn.functional.mse_loss(model(bx), by)
        if not math.isfinite(loss.item()):
            skipped += 1
            continue
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(f"epoch {epoch} train {loss.item():.4f} skipped {skipped}")
    print(f"         validation {validate(model, vx, vy):.4f}")
