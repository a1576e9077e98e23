"""A small model of a sensor, as a user's repository would have it."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def readings(*, repaired: bool) -> TensorDataset:
    """Forty readings with their targets; number 26 was typed without its decimal point."""
    drawn = torch.Generator().manual_seed(0)
    inputs = torch.randn(40, 4, generator=drawn)
    targets = inputs.sum(1, keepdim=True)
    targets[26] = 1.732 if repaired else 1732.0
    return TensorDataset(inputs, targets)


def train(data: TensorDataset, rate: float = 0.01) -> nn.Module:
    """Five steps of training."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    for x, y in DataLoader(data, batch_size=8):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
    return model
