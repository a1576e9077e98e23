"""Forecasts next-day relative change in shop footfall from the last two weeks.

[truth]
family = "bad_data"
causes = ["nonfinite_target"]
step = 87
window = 0
phase = "target"
samples = [946]
"""
import logging

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
log = logging.getLogger("footfall")
LOOKBACK = 14


def load_frame():
    rng = np.random.default_rng(2024)
    days = pd.date_range("2019-01-01", periods=1500, freq="D")
    weekly = 1 + 0.35 * np.sin(2 * np.pi * days.day_of_week.to_numpy() / 7)
    yearly = 1 + 0.15 * np.cos(2 * np.pi * days.day_of_year.to_numpy() / 365)
    visits = np.round(400 * weekly * yearly * rng.lognormal(0, 0.05, len(days))).astype(int)
    df = pd.DataFrame({"visits": visits}, index=days)
    df.loc["2021-08-17", "visits"] = 0
    return df


class FootfallDataset(Dataset):
    def __init__(self, df):
        change = df["visits"].pct_change().shift(-1)
        feats = pd.DataFrame({
            "level": df["visits"] / df["visits"].rolling(28, min_periods=1).mean() - 1.0,
            "sin": np.sin(2 * np.pi * df.index.day_of_week / 7),
            "cos": np.cos(2 * np.pi * df.index.day_of_week / 7),
        }, index=df.index)
        keep = change.notna()
        self.x = feats[keep].to_numpy(np.float32)
        self.y = change[keep].to_numpy(np.float32)

    def __len__(self):
        return len(self.x) - LOOKBACK + 1

    def __getitem__(self, i):
        j = i + LOOKBACK
        return {"window": torch.from_numpy(self.x[i:j]), "change": torch.tensor(self.y[j - 1])}


class ConvForecaster(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.c1 = nn.Conv1d(3, width, 3, padding=1)
        self.c2 = nn.Conv1d(width, width, 3, padding=2, dilation=2)
        self.out = nn.Linear(width * LOOKBACK, 1)

    def forward(self, w):
        h = torch.relu(self.c1(w.transpose(1, 2)))
        h = torch.relu(self.c2(h))
        return self.out(h.flatten(1)).squeeze(1)


def train():
    torch.manual_seed(5)
    ds = FootfallDataset(load_frame())
    loader = DataLoader(ds, batch_size=16, shuffle=True, generator=torch.Generator().manual_seed(99))
    net = ConvForecaster()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.StepLR(opt, step_size=4, gamma=0.5)
    for epoch in range(6):
        total, n = 0.0, 0
        for batch in loader:
            pred = net(batch["window"])
            loss = nn.functional.mse_loss(pred, batch["change"])  # <- culprit
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(pred)
            n += len(pred)
        sched.step()
        log.info("epoch %d  mse %.5f  lr %.2e", epoch, total / n, sched.get_last_lr()[0])


if __name__ == "__main__":
    train()
