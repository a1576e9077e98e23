"""LSTM that predicts the next listening time of a user from the last twelve sessions.

[truth]
family = "bad_data"
causes = ["outlier_batch"]
step = 70
window = 0
samples = [2259]
"""
import csv
import os
import tempfile

import numpy as np
import torch
import torch.nn as nn

rng = np.random.default_rng(9)
torch.manual_seed(9)
N, T = 4800, 12


def write_log(path):
    """One row per example: twelve past durations in hours and the next one."""
    phase = rng.uniform(0, 2 * np.pi, N)
    amp = rng.uniform(0.4, 1.2, N)
    t = np.arange(T + 1)
    rows = 1.5 + amp[:, None] * np.sin(phase[:, None] + 0.6 * t) + 0.1 * rng.standard_normal((N, T + 1))
    rows[2259, 3:9] *= 3.6e3
    with open(path, "w", newline="") as f:
        csv.writer(f).writerows(rows.round(4).tolist())


def load(path):
    with open(path) as f:
        table = torch.tensor([[float(v) for v in row] for row in csv.reader(f)])
    return table[:, :T].unsqueeze(-1), table[:, T]


class Forecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.skip = nn.Linear(T, 1)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return (self.head(out[:, -1]) + self.skip(x.squeeze(-1))).squeeze(-1)


with tempfile.TemporaryDirectory() as folder:
    file = os.path.join(folder, "sessions.csv")
    write_log(file)
    x, y = load(file)

model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
mse = nn.MSELoss()
losses = []
for epoch in range(1):
    for start in range(0, N, 32):
        pred = model(x[start : start + 32])
        loss = mse(pred, y[start : start + 32])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch + 1}: median loss {np.median(losses[-150:]):.4f}, last {losses[-1]:.4f}")
