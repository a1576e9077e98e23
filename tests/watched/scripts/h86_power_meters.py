"""Predicts household energy use in watts from weather features; many meters report late.

[truth]
family = "healthy"
causes = []
"""
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def table():
    rng = np.random.default_rng(77)
    n = 6000
    df = pd.DataFrame({"temp": rng.normal(12, 8, n), "wind": rng.gamma(2, 2, n),
                       "hour": rng.integers(0, 24, n), "area": rng.uniform(40, 250, n)})
    base = 8 * df.area + 60 * (18 - df.temp).clip(lower=0) + 500 * np.sin(df.hour / 24 * 6.283)
    heavy = rng.standard_t(1.5, n) * 250
    df["watts"] = base + heavy
    df.loc[rng.random(n) < 0.4, "watts"] = np.nan
    df.loc[2000:2063, "watts"] = np.nan
    return df


class Meters(Dataset):
    def __init__(self, df):
        x = df[["temp", "wind", "hour", "area"]].to_numpy(np.float32)
        self.x = (x - x.mean(0)) / x.std(0)
        self.y = df["watts"].to_numpy(np.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return {"x": self.x[i], "watts": self.y[i]}


def main():
    torch.manual_seed(77)
    ds = Meters(table())
    net = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    skipped = 0
    for epoch in range(6):
        hist = []
        for batch in DataLoader(ds, batch_size=32):
            have = ~torch.isnan(batch["watts"])
            if not have.any():
                skipped += 1
                continue
            pred = net(batch["x"])[:, 0]
            loss = nn.functional.huber_loss(pred[have], batch["watts"][have], delta=1000.0)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1e5)
            opt.step()
            hist.append(loss.item())
        print(f"epoch {epoch} huber {np.median(hist):,.0f} (max {max(hist):,.0f}) skipped {skipped}")


if __name__ == "__main__":
    main()
