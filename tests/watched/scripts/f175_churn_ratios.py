"""Trains a tabular churn MLP on synthetic customers, with ratio and log features made in pandas.

[truth]
family = "bad_data"
causes = ["nonfinite_input"]
step = 13
window = 0
phase = "input"
among = [4800, 6295, 6345, 4406, 2185, 3030]
"""
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
rng = np.random.default_rng(2023)

# --- load (stand-in for customers.csv) -------------------------------------------------------------------
N = 9000
customers = pd.DataFrame({
    "tenure_days": rng.integers(5, 900, N),
    "orders": rng.poisson(6, N),
    "plan": rng.choice(["basic", "plus", "pro"], N, p=[0.5, 0.35, 0.15]),
    "tickets": rng.poisson(1.0, N),
})
customers["returns"] = rng.binomial(customers.orders, 0.12)
customers["spend"] = customers.orders * rng.gamma(3.0, 15.0, N)
risk = (-0.004 * customers.tenure_days + 0.5 * customers.tickets - 0.25 * customers.orders
        + 0.9 * customers["returns"] + customers.plan.map({"basic": 0.4, "plus": 0.0, "pro": -0.6}) + 1.6)
customers["churned"] = (rng.random(N) < 1 / (1 + np.exp(-risk))).astype(int)

# only customers that signed up before the cut-off and bought something since
customers = customers[(customers.orders > 0) | (customers.tenure_days > 780)].reset_index(drop=True)

# --- features --------------------------------------------------------------------------------------------
feats = pd.DataFrame({
    "log_tenure": np.log(customers.tenure_days),
    "orders_per_month": customers.orders / customers.tenure_days * 30,
    "return_rate": customers["returns"] / customers.orders,
    "log_spend": np.log1p(customers.spend),
    "tickets": customers.tickets,
})
feats = pd.concat([feats, pd.get_dummies(customers.plan, prefix="plan")], axis=1).astype("float32")
feats = (feats - feats.mean()) / feats.std()


class ChurnDataset(Dataset):
    def __init__(self, x, y):
        self.x, self.y = x.to_numpy("float32"), y.to_numpy("float32")

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return torch.from_numpy(self.x[i]), torch.tensor(self.y[i])


cut = int(0.8 * len(feats))
train_ds = ChurnDataset(feats.iloc[:cut], customers.churned.iloc[:cut])
valid_ds = ChurnDataset(feats.iloc[cut:], customers.churned.iloc[cut:])


def auc(score, label):
    order = np.argsort(score)
    rank = np.empty(len(score))
    rank[order] = np.arange(1, len(score) + 1)
    pos = label == 1
    return (rank[pos].sum() - pos.sum() * (pos.sum() + 1) / 2) / (pos.sum() * (~pos).sum())


torch.manual_seed(8)
net = nn.Sequential(nn.Linear(feats.shape[1], 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 32), nn.ReLU(),
                    nn.Linear(32, 1))
opt = torch.optim.RMSprop(net.parameters(), lr=5e-4)
crit = nn.BCEWithLogitsLoss()
train_dl = DataLoader(train_ds, batch_size=32, shuffle=True)
valid_dl = DataLoader(valid_ds, batch_size=512)

for epoch in range(1, 9):
    net.train()
    total = 0.0
    for xb, yb in train_dl:
        opt.zero_grad()
        loss = crit(net(xb).squeeze(1), yb)
        loss.backward()
        opt.step()
        total += loss.item() * len(xb)
    net.eval()
    with torch.no_grad():
        s = torch.cat([net(xb).squeeze(1) for xb, _ in valid_dl]).numpy()
    print(f"Epoch {epoch}: train loss {total / len(train_ds):.4f} | valid AUC {auc(s, valid_ds.y):.4f}")
