"""Heteroscedastic regression of a drifting sensor: the network predicts a mean and a log precision.

[truth]
family = "unstable_loss"
causes = ["unbounded_loss"]
step = 1
window = 15
"""
import csv
import sys

import numpy as np
import torch
from torch import nn


def sensor(n=5000, seed=13):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 3, (n, 2))
    sd = 0.1 + 0.3 * (x[:, 0] > 0)
    y = np.sin(x[:, 0]) + 0.3 * x[:, 1] + sd * rng.normal(size=n)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


class MeanPrecision(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(2, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.mean, self.log_prec = nn.Linear(width, 1), nn.Linear(width, 1)

    def forward(self, x):
        h = self.f(x)
        return self.mean(h).squeeze(1), self.log_prec(h).squeeze(1)


def gaussian_nll(mean, log_prec, y):
    prec = log_prec.exp()
    return 0.5 * (prec * (y - mean) ** 2 - prec).mean()


def train(steps=500, batch=200, lr=2e-3, log=sys.stdout):
    torch.manual_seed(13)
    x, y = sensor()
    model = MeanPrecision()
    opt = torch.optim.RMSprop(model.parameters(), lr=lr)
    writer = csv.writer(log)
    writer.writerow(["step", "nll"])
    for step in range(steps):
        idx = torch.randint(0, len(x), (batch,))
        opt.zero_grad()
        nll = gaussian_nll(*model(x[idx]), y[idx])
        nll.backward()
        opt.step()
        if step % 25 == 0:
            writer.writerow([step, f"{nll.item():.6g}"])


if __name__ == "__main__":
    train()
