"""Labels coded 1/2 given to BCEWithLogitsLoss: loss unbounded below.

[truth]
family = "bad_data"
causes = ["target_out_of_range", "unbounded_loss"]
"""
# coding: utf-8
# customer churn, exported from notebook
import numpy as np
import pandas as pd
import torch
from torch import nn

torch.set_num_threads(1)
np.random.seed(0)
torch.manual_seed(0)

N = 5000
df = pd.DataFrame({
    "tenure": np.random.exponential(24, N),
    "monthly": np.random.normal(65, 20, N),
    "calls": np.random.poisson(2, N),
    "contract": np.random.choice(["month", "one_year", "two_year"], N, p=[.55, .25, .2]),
    "region": np.random.randint(0, 6, N),
})
score = -0.05 * df.tenure + 0.02 * df.monthly + 0.5 * df.calls - 1.2 * (df.contract == "two_year") - 1.5
df["status"] = np.where(np.random.rand(N) < 1 / (1 + np.exp(-score)), 2, 1)
df.head()

num = ["tenure", "monthly", "calls"]
df[num] = (df[num] - df[num].mean()) / df[num].std()
X = pd.concat([df[num], pd.get_dummies(df.contract, dtype=float), pd.get_dummies(df.region, prefix="r", dtype=float)], axis=1)
X = torch.tensor(X.values, dtype=torch.float32)
y = torch.tensor(df.status.values, dtype=torch.float32)

X_tr, X_te, y_tr, y_te = X[:4000], X[4000:], y[:4000], y[4000:]

model = nn.Sequential(nn.Linear(X.shape[1], 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

losses = []
for epoch in range(20):
    model.train()
    perm = torch.randperm(len(X_tr))
    for k in range(0, len(X_tr), 100):
        b = perm[k:k + 100]
        optimizer.zero_grad()
        loss = criterion(model(X_tr[b]).squeeze(1), y_tr[b])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        p = torch.sigmoid(model(X_te).squeeze(1))
    print("epoch", epoch, "loss", np.mean(losses[-40:]), "mean predicted", p.mean().item())
