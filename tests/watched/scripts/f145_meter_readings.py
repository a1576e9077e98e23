"""Predict the next hour of a water meter from the last day, one pass over the records.

[truth]
family = "bad_data"
causes = ["outlier_batch"]
step = 220
window = 0
samples = [2613]
"""
import csv
import os
import tempfile

import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def write_records(path, n=12032, seed=8):
    rng = np.random.default_rng(seed)
    hours = np.arange(24)
    day = 1 + 0.6 * np.sin(2 * np.pi * (hours - 7) / 24)
    level = rng.lognormal(0, 0.25, size=(n, 1))
    rows = level * day + 0.1 * rng.normal(size=(n, 24))
    nxt = level[:, 0] * (1 + 0.6 * np.sin(2 * np.pi * (24 - 7) / 24)) + 0.3 * (rows[:, 20] - rows[:, 16])
    rows[2613, 13] = 65535.0
    with open(path, "w", newline="") as fh:
        w = csv.writer(fh)
        w.writerow([f"h{h}" for h in hours] + ["next"])
        for r, t in zip(rows, nxt):
            w.writerow([f"{v:.5f}" for v in r] + [f"{t:.5f}"])


def load(path):
    df = pd.read_csv(path)
    x = df.drop(columns="next").to_numpy(np.float32)
    med = np.median(x)
    iqr = np.subtract(*np.percentile(x, [75, 25]))
    return torch.from_numpy(((x - med) / iqr).astype(np.float32)), torch.tensor(df["next"].to_numpy(np.float32))


def main():
    path = os.path.join(tempfile.mkdtemp(), "meter.csv")
    write_records(path)
    x, y = load(path)
    torch.manual_seed(12)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    net = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    window = []
    for step, (xb, yb) in enumerate(loader):
        pred = net(xb).squeeze(1)
        loss = ((pred - yb) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        window.append(loss.item())
        if (step + 1) % 25 == 0:
            print(f"batch {step + 1}/{len(loader)} mse {np.mean(window):.5f}")
            window.clear()


if __name__ == "__main__":
    main()
