"""Forecasts hourly power demand from weather with an LSTM.

[truth]
family = "bad_data"
causes = ["nonfinite_target"]
step = 3
window = 0
phase = "target"
samples = [211]
"""
import math

import torch
import torch.nn as nn


class Forecaster(nn.Module):
    def __init__(self, n_features=3, hidden=24):
        super().__init__()
        self.lstm = nn.LSTM(n_features, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        h, _ = self.lstm(x)
        return self.head(h[:, -1]).squeeze(-1)


def make_data(hours=500, window=12):
    t = torch.arange(hours + window, dtype=torch.float32)
    temp = torch.sin(2 * math.pi * t / 24) + 0.1 * torch.randn(len(t))
    wind = torch.rand(len(t))
    hour = (t % 24) / 24
    feats = torch.stack([temp, wind, hour], dim=1)
    demand = 0.7 * temp - 0.3 * wind + 0.2 * torch.cos(2 * math.pi * t / 24)
    # the meter was off for an hour
    demand[211 + window] = float("nan")
    xs = torch.stack([feats[i : i + window] for i in range(hours)])
    ys = demand[window : window + hours]
    return xs, ys


def train():
    torch.manual_seed(5)
    xs, ys = make_data()
    model = Forecaster()
    opt = torch.optim.AdamW(model.parameters(), lr=5e-3)
    sched = torch.optim.lr_scheduler.StepLR(opt, step_size=40, gamma=0.5)
    bs = 25
    step = 0
    for epoch in range(4):
        order = torch.randperm(len(xs))
        total = 0.0
        for start in range(0, len(xs), bs):
            idx = order[start : start + bs]
            pred = model(xs[idx])
            loss = ((pred - ys[idx]) ** 2).mean()  # <- culprit
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            total += loss.item()
            step += 1
        print(f"epoch {epoch + 1}: mean loss {total / (len(xs) // bs):.5f}")


if __name__ == "__main__":
    train()
