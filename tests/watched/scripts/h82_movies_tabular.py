"""Trains a rating predictor on a movie table whose optional columns have gaps, with a cyclic learning rate.

[truth]
family = "healthy"
causes = []
"""
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

rng = np.random.default_rng(99)
N_USERS, N_ITEMS, N = 500, 300, 20050

uf, vf = rng.normal(size=(N_USERS, 3)), rng.normal(size=(N_ITEMS, 3))
df = pd.DataFrame({"user": rng.integers(0, N_USERS, N), "item": rng.integers(0, N_ITEMS, N)})
age = rng.normal(35, 12, N_USERS).clip(12, 90)
age[rng.random(N_USERS) < 0.25] = np.nan
budget = rng.lognormal(16, 1.5, N_ITEMS)
budget[rng.random(N_ITEMS) < 0.4] = np.nan
df["age"] = age[df.user]
df["budget"] = budget[df.item]
df["tagline_len"] = np.where(rng.random(N) < 0.7, np.nan, rng.poisson(30, N))
df["year"] = (1960 + rng.integers(0, 60, N_ITEMS))[df.item]
score = 3.3 + 0.5 * (uf[df.user] * vf[df.item]).sum(1) + 0.01 * (df.year - 1990) + rng.normal(0, 0.3, N)
df["rating"] = score.clip(0.5, 5)
df["user_std"] = df.groupby("user").rating.transform("std")

print(df.isna().mean().round(3).to_string())
FEATURES = ["year"]
df[FEATURES] = (df[FEATURES] - df[FEATURES].mean()) / df[FEATURES].std()


class Frame(Dataset):
    def __init__(self, d):
        self.d = torch.tensor(d.drop(columns=["rating"]).to_numpy(np.float32))
        self.cols = {c: k for k, c in enumerate(d.columns.drop("rating"))}
        self.y = torch.tensor(d.rating.to_numpy(np.float32))

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.d[i], self.y[i]


class Scorer(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.cols = cols
        self.u, self.v = nn.Embedding(N_USERS, 8), nn.Embedding(N_ITEMS, 8)
        nn.init.normal_(self.u.weight, std=0.3)
        nn.init.normal_(self.v.weight, std=0.3)
        self.mlp = nn.Sequential(nn.Linear(18, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, row):
        u, v = self.u(row[:, self.cols["user"]].long()), self.v(row[:, self.cols["item"]].long())
        year = row[:, self.cols["year"]]
        age = row[:, self.cols["age"]]
        age = torch.where(age.isnan(), torch.zeros_like(age), (age - 35) / 12)
        h = torch.cat([u, v, year[:, None], age[:, None]], 1)
        return (u * v).sum(1) + self.mlp(h).squeeze(1)


torch.manual_seed(1)
train, test = Frame(df.iloc[:18050]), Frame(df.iloc[18050:])
loader = DataLoader(train, batch_size=128, shuffle=True)
net = Scorer(train.cols)
opt = torch.optim.RMSprop(net.parameters(), lr=1e-4, weight_decay=1e-5)
cyc = torch.optim.lr_scheduler.CyclicLR(opt, base_lr=2e-4, max_lr=2e-2, step_size_up=140, step_size_down=141)
for epoch in range(10):
    net.train()
    tot = 0.0
    for row, y in loader:
        err = net(row) - y
        loss = err.pow(2).sum()
        opt.zero_grad()
        loss.backward()
        opt.step()
        cyc.step()
        tot += loss.item()
    net.eval()
    with torch.no_grad():
        rmse = (net(test.d) - test.y).pow(2).mean().sqrt().item()
    print(f"epoch {epoch} lr {cyc.get_last_lr()[0]:.4f} train mse {tot / len(train):.4f} "
          f"last batch ({len(y)}) {loss.item():.3f} test rmse {rmse:.4f}")
