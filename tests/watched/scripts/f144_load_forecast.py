"""One-step-ahead forecasting of a seasonal load curve with a small conv net.

[truth]
family = "exploding_gradients"
causes = ["missing_zero_grad"]
step = 1
window = 50
phase = "loss"
"""
import math

import torch
from torch import nn


class Series:
    def __init__(self, n=6000, context=48):
        g = torch.Generator().manual_seed(4)
        t = torch.arange(n).float()
        s = torch.sin(2 * math.pi * t / 24) + 0.5 * torch.sin(2 * math.pi * t / 168)
        s = s + 0.1 * torch.randn(n, generator=g)
        self.s = (s - s.mean()) / s.std()
        self.c = context

    def sample(self, batch, g):
        start = torch.randint(0, len(self.s) - self.c - 1, (batch,), generator=g)
        idx = start[:, None] + torch.arange(self.c + 1)
        w = self.s[idx]
        return w[:, :-1], w[:, -1]


class Forecaster(nn.Module):
    def __init__(self, context=48, width=32):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(1, width, 5, padding=2), nn.GELU(),
            nn.Conv1d(width, width, 5, padding=2, stride=2), nn.GELU(), nn.Flatten())
        self.head = nn.Sequential(nn.Linear(width * context // 2, 64), nn.GELU(), nn.Linear(64, 1))

    def forward(self, x):
        return self.head(self.conv(x[:, None])).squeeze(-1)


class Trainer:
    def __init__(self, steps=400, lr=0.05, batch=64):
        torch.manual_seed(9)
        self.data = Series()
        self.gen = torch.Generator().manual_seed(1)
        self.model = Forecaster()
        self.optim = torch.optim.SGD(self.model.parameters(), lr=lr)
        self.crit = nn.MSELoss()
        self.steps, self.batch = steps, batch
        self.avg = None

    def train_step(self):
        x, y = self.data.sample(self.batch, self.gen)
        loss = self.crit(self.model(x), y)  # <- culprit
        loss.backward()
        self.optim.step()
        return loss.item()

    def fit(self):
        self.model.train()
        for step in range(self.steps):
            value = self.train_step()
            self.avg = value if self.avg is None else 0.9 * self.avg + 0.1 * value
            if (step + 1) % 25 == 0:
                print(f"step {step + 1:4d} | mse {value:.4g} | ema {self.avg:.4g}")


if __name__ == "__main__":
    Trainer().fit()
