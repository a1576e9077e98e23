"""Short-term electricity load forecasting with a small temporal convolution network.

[truth]
family = "bad_data"
causes = ["outlier_batch", "recurring_bad_batch"]
step = 4
window = 0
samples = [36, 37]
"""
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset, random_split


def write_meter_csv(path, hours=3000):
    rng = np.random.default_rng(2)
    t = np.arange(hours)
    kw = 40 + 12 * np.sin(2 * np.pi * t / 24) + 5 * np.sin(2 * np.pi * t / 168) + rng.normal(0, 1.5, hours)
    temp = 12 + 8 * np.sin(2 * np.pi * (t - 6) / 24) + rng.normal(0, 1, hours)
    kw[1776] = kw[1776] * 1000  # one meter row was exported in W
    pd.DataFrame({"hour": t, "load": kw.round(2), "temp": temp.round(2)}).to_csv(path, index=False)


class LoadWindows(Dataset):
    def __init__(self, csv, history=48):
        df = pd.read_csv(csv)
        load = (df["load"] - 40.0) / 12.0
        temp = (df["temp"] - 12.0) / 8.0
        self.series = torch.tensor(np.stack([load, temp]), dtype=torch.float32)
        self.history = history

    def __len__(self):
        return self.series.shape[1] // self.history - 1

    def __getitem__(self, i):
        s = i * self.history
        return self.series[:, s : s + self.history], self.series[0, s + self.history : s + self.history + 1]


class TCN(nn.Module):
    def __init__(self, ch=24):
        super().__init__()
        layers, c = [], 2
        for d in (1, 2, 4, 8):
            layers += [nn.Conv1d(c, ch, 3, padding=d, dilation=d), nn.ReLU()]
            c = ch
        self.net = nn.Sequential(*layers)
        self.out = nn.Linear(ch, 1)

    def forward(self, x):
        return self.out(self.net(x)[..., -1] + self.net(x).mean(-1))


def main():
    torch.manual_seed(3)
    with tempfile.TemporaryDirectory() as d:
        path = Path(d) / "meter.csv"
        write_meter_csv(path)
        ds = LoadWindows(path)
    dl = DataLoader(ds, batch_size=8, shuffle=True, drop_last=True, generator=torch.Generator().manual_seed(5))
    net = TCN()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    losses = []
    for epoch in range(8):
        for x, y in dl:
            loss = nn.functional.mse_loss(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        print(f"epoch {epoch:2d}: mse {np.mean(losses[-len(dl):]):.4g}")


if __name__ == "__main__":
    main()
