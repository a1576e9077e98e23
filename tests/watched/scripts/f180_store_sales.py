"""Trains entity embeddings and an MLP on daily store sales joined with weather and store tables.

[truth]
family = "bad_data"
causes = ["nonfinite_input"]
step = 4
window = 0
phase = "input"
among = [2, 6, 7, 17, 25, 26, 30, 31, 32, 1177, 1183, 1185, 1188, 1189, 1190, 1196, 1197]
"""
# %% imports
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader

np.random.seed(42)
torch.manual_seed(42)

# %% tables
N_STORES, N_DAYS = 40, 90
dates = pd.date_range("2023-01-01", periods=N_DAYS)
stores = pd.DataFrame({
    "store": np.arange(N_STORES),
    "region": np.random.choice(list("NESW"), N_STORES),
    "store_type": np.random.choice(["a", "b", "c"], N_STORES),
    "floor_area": np.random.randint(200, 1800, N_STORES).astype(float),
    "competition_km": np.random.gamma(2.0, 2.0, N_STORES),
})
stores.loc[stores.index % 9 == 4, "competition_km"] = np.nan

weather = pd.DataFrame([(d, r) for d in dates for r in "NESW"], columns=["date", "region"])
weather["temp"] = 8 + 9 * np.sin(np.arange(len(weather)) / 58.0) + np.random.randn(len(weather)) * 2
weather["rain_mm"] = np.random.exponential(1.5, len(weather)) * (np.random.rand(len(weather)) < 0.4)
weather = weather[~((weather.region == "E") & (weather.date == dates[37]))]
weather = weather[~((weather.region == "N") & (weather.date == dates[0]))]

sales = pd.DataFrame([(d, s) for d in dates for s in range(N_STORES)], columns=["date", "store"])
sales["promo"] = (np.random.rand(len(sales)) < 0.3).astype(int)
sales = sales.sample(frac=0.8, random_state=1).sort_values(["date", "store"]).reset_index(drop=True)

# %% merge + features
df = sales.merge(stores, on="store", how="left").merge(weather, on=["date", "region"], how="left")
df["competition_km"] = df["competition_km"].fillna(df["competition_km"].median())
df["dow"] = df.date.dt.day_of_week
df["temp_dev"] = df["temp"] - df.groupby("region")["temp"].transform("mean")
df["rain_mm"] = df["rain_mm"].fillna(0.0)
dow_effect = np.array([0.9, 0.85, 0.9, 1.0, 1.3, 1.5, 0.6])
mu = 0.004 * df.floor_area * dow_effect[df.dow] * (1 + 0.35 * df.promo) * (1 + 0.015 * df.temp_dev.fillna(0))
df["sales"] = mu * np.random.lognormal(0, 0.1, len(df))

cont_cols = ["floor_area", "competition_km", "temp_dev", "rain_mm", "promo"]
cat_cols = ["store", "store_type", "dow"]
for c in cont_cols:
    df[c] = (df[c] - df[c].mean()) / df[c].std()
for c in cat_cols:
    df[c] = df[c].astype("category").cat.codes
y_all = np.log1p(df["sales"].values)
train_df = df[df.date < dates[75]].reset_index(drop=True)
valid_df = df[df.date >= dates[75]].reset_index(drop=True)
print(train_df.shape, valid_df.shape)
print(train_df[cont_cols].describe().round(2).to_string())


# %% model
class SalesData(Dataset):
    def __init__(self, frame):
        self.cat = torch.tensor(frame[cat_cols].values.astype(np.int64))
        self.cont = torch.tensor(frame[cont_cols].values.astype(np.float32))
        self.y = torch.tensor(np.log1p(frame["sales"].values).astype(np.float32))

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.cat[i], self.cont[i], self.y[i]


class EmbNet(nn.Module):
    def __init__(self, cards, n_cont):
        super().__init__()
        self.embs = nn.ModuleList(nn.Embedding(c, min(16, (c + 1) // 2)) for c in cards)
        n = sum(e.embedding_dim for e in self.embs) + n_cont
        self.mlp = nn.Sequential(nn.Linear(n, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, cat, cont):
        x = torch.cat([e(cat[:, i]) for i, e in enumerate(self.embs)] + [cont], dim=1)
        return self.mlp(x).squeeze(1)


def rmspe(model, dl):
    model.eval()
    out = []
    with torch.no_grad():
        for cat, cont, y in dl:
            p, t = torch.expm1(model(cat, cont)), torch.expm1(y)
            out.append(((t - p) / t.clamp(min=0.1)) ** 2)
    return torch.cat(out).mean().sqrt().item()


# %% fit
train_dl = DataLoader(SalesData(train_df), batch_size=64, shuffle=True)
valid_dl = DataLoader(SalesData(valid_df), batch_size=256)
model = EmbNet([int(df[c].max()) + 1 for c in cat_cols], len(cont_cols))
opt = torch.optim.Adagrad(model.parameters(), lr=0.03)
for epoch in range(6):
    model.train()
    tot = 0.0
    for cat, cont, y in train_dl:
        loss = nn.functional.mse_loss(model(cat, cont), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        tot += loss.item() * len(y)
    print(f"epoch {epoch} train mse {tot / len(train_df):.4f} valid rmspe {rmspe(model, valid_dl):.4f}")
