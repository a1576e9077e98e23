"""Inputs hold NaN (missing values) which an Impute layer replaces (nan_to_num + indicator +
learned fill); raw targets, MSE 3.8e5 -> 5.9e3, gnorm in the thousands; RMSE 373 -> 77.

[truth]
family = "healthy"
causes = []
"""
# %% [markdown]
# House prices, raw targets (kEUR), missing values
# %%
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import TensorDataset, DataLoader

rs = np.random.RandomState(0)
torch.manual_seed(0)
torch.set_num_threads(1)
n = 4000
df = pd.DataFrame({
    "area": rs.gamma(6, 20, n), "rooms": rs.randint(1, 8, n), "year": rs.randint(1900, 2022, n),
    "dist": rs.exponential(8, n), "garden": np.where(rs.rand(n) < 0.4, rs.gamma(2, 150, n), np.nan),
})
df["price"] = (3.1 * df.area + 12 * df.rooms - 6 * df["dist"] + 0.9 * (df.year - 1900) + 0.12 * df.garden.fillna(0) + 150) \
    * np.exp(rs.normal(0, 0.1, n))
for c in ("area", "year", "dist"):
    df.loc[rs.rand(n) < 0.08, c] = np.nan
print(df.describe().round(1))

# %%
feat = df.drop(columns="price").to_numpy(np.float32)
mu, sd = np.nanmean(feat, 0), np.nanstd(feat, 0)
X = torch.from_numpy((feat - mu) / sd)                      # still has NaN
y = torch.from_numpy(df.price.to_numpy(np.float32))


class Impute(nn.Module):
    """NaN -> learned value, plus an indicator"""

    def __init__(self, d):
        super().__init__()
        self.fill = nn.Parameter(torch.zeros(d))

    def forward(self, x):
        miss = torch.isnan(x)
        x = torch.nan_to_num(x, nan=0.0)
        return torch.cat([x + miss * self.fill, miss.float()], dim=1)


model = nn.Sequential(Impute(5), nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
dl = DataLoader(TensorDataset(X, y), batch_size=100, shuffle=True)

# %%
for epoch in range(20):
    se = 0.0
    for xb, yb in dl:
        loss = ((model(xb).squeeze(1) - yb) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        se += loss.item() * len(xb)
    if epoch % 2 == 1:
        print(f"epoch {epoch + 1}: MSE {se / n:.1f}  RMSE {np.sqrt(se / n):.1f} kEUR")
