"""K-fold training of a dense net on house prices in dollars (sum-of-squares loss).

[truth]
family = "healthy"
causes = []
"""
import numpy as np
import pandas as pd
import torch
import torch.nn as nn

np.random.seed(2)
torch.manual_seed(2)

# --------- make the table ---------
n = 1500
df = pd.DataFrame({
    "area": np.random.gamma(6, 25, n),
    "rooms": np.random.randint(1, 8, n),
    "age": np.random.randint(0, 90, n),
    "lat": np.random.uniform(47.1, 47.8, n),
    "lon": np.random.uniform(8.1, 8.9, n),
    "renovated": np.random.rand(n) < 0.2,
})
centre = np.exp(-((df.lat - 47.4) ** 2 + (df.lon - 8.5) ** 2) / 0.05)
price = 60_000 + 2_400 * df.area * (1 + centre) + 15_000 * df.rooms - 900 * df.age + 40_000 * df.renovated
price = price * np.random.lognormal(0, 0.08, n)
price[np.random.rand(n) < 0.01] *= 4          # villas
df["price"] = price.round(-2)
print(df.describe().loc[["mean", "std", "max"]].round(1))

FEATS = ["area", "rooms", "age", "lat", "lon", "renovated"]
X = df[FEATS].astype(float)
X = torch.tensor(((X - X.mean()) / X.std()).values, dtype=torch.float32)
y = torch.tensor(df["price"].values, dtype=torch.float32)

folds = np.array_split(np.random.permutation(n), 4)
oof = np.zeros(n)
scores = []
for k, va in enumerate(folds):
    tr = np.concatenate([f for j, f in enumerate(folds) if j != k])
    model = nn.Sequential(nn.Linear(len(FEATS), 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
    base = y[tr].median()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 60)
    scale = 1000.0
    for epoch in range(60):
        perm = np.random.permutation(tr)
        losses = []
        for i in range(0, len(perm), 64):
            b = perm[i:i + 64]
            pred = base + scale * model(X[b]).squeeze(1)
            loss = ((pred - y[b]) ** 2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        if epoch % 20 == 19:
            print(f"fold {k} epoch {epoch + 1} sse/batch {np.mean(losses):.4e}")
    with torch.no_grad():
        oof[va] = (base + scale * model(X[va]).squeeze(1)).numpy()
    mape = np.median(np.abs(oof[va] - df.price.values[va]) / df.price.values[va])
    scores.append(mape)
    print(f"fold {k}: median abs pct error {100 * mape:.2f}%")
print("CV:", np.round(scores, 4), "mean", round(float(np.mean(scores)), 4))
