"""Trains a GRU to predict next-hour readings of synthetic air-quality sensors, many of which are missing.

[truth]
family = "healthy"
causes = []
"""
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, IterableDataset

torch.manual_seed(77)
torch.set_num_threads(1)


def load_readings(hours=3000, sensors=5):
    rng = np.random.RandomState(77)
    t = np.arange(hours)
    cols = {}
    for k in range(sensors):
        s = 30 + 12 * np.sin(2 * np.pi * t / 24 + k) + 6 * np.sin(2 * np.pi * t / 168 + 2 * k) + rng.randn(hours) * 2
        s[rng.rand(hours) < 0.1] = np.nan                   # dropped packets
        for _ in range(6):                                  # maintenance
            a = rng.randint(hours)
            s[a:a + rng.randint(10, 60)] = np.nan
        cols[f"pm_{k}"] = s
    frame = pd.DataFrame(cols, index=pd.date_range("2021-01-01", periods=hours, freq="h"))
    frame.iloc[1200:1290] = np.nan                          # the whole station was down
    return frame


class Windows(IterableDataset):
    def __init__(self, values, lo, hi, length=48, passes=1, seed=None):
        self.v, self.lo, self.hi, self.length, self.passes, self.seed = values, lo, hi, length, passes, seed

    def __iter__(self):
        rng = np.random.RandomState(self.seed)
        for _ in range(self.passes):
            starts = np.arange(self.lo, self.hi - self.length - 1)
            if self.seed is not None:
                rng.shuffle(starts)
            for s in starts:
                w = torch.tensor(self.v[s:s + self.length + 1], dtype=torch.float32)
                yield w[:-1], w[1:]


class Forecaster(nn.Module):
    def __init__(self, k, hidden=48):
        super().__init__()
        self.gru = nn.GRU(2 * k, hidden, batch_first=True)
        self.out = nn.Linear(hidden, k)

    def forward(self, x):
        seen = ~torch.isnan(x)
        h, _ = self.gru(torch.cat([torch.nan_to_num(x), seen.float()], -1))
        return self.out(h)


def masked_mae(pred, target):
    ok = ~torch.isnan(target)
    err = (pred - torch.where(ok, target, pred.detach())).abs()
    return err.sum() / ok.sum().clamp(min=1)


df = load_readings()
mean, std = df.iloc[:2400].mean(), df.iloc[:2400].std()
vals = ((df - mean) / std).to_numpy()
print(df.describe().loc[["count", "mean", "std"]].round(2))
train = DataLoader(Windows(vals, 0, 2400, passes=5, seed=1), batch_size=32)
# overlapping windows in time order, as the nightly job sees them
recent = DataLoader(Windows(vals, 1100, 1400), batch_size=8)
valid = DataLoader(Windows(vals, 2400, 3000), batch_size=128)

model = Forecaster(vals.shape[1])
opt = torch.optim.RMSprop(model.parameters(), lr=1e-3)
step = 0
for name, loader, lr in (("history", train, 1e-3), ("recent", recent, 1e-4)):
    opt.param_groups[0]["lr"] = lr
    for x, y in loader:
        loss = masked_mae(model(x), y)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        if step % 20 == 0:
            print(f"{name:8s} step {step:4d} mae {loss.item():.4f} observed {(~torch.isnan(y)).float().mean().item():.2f}")
        step += 1
    with torch.no_grad():
        print("valid mae", round(float(np.mean([masked_mae(model(x), y).item() for x, y in valid])), 4))
