"""Trains biased matrix factorisation on explicit ratings, mini-batches, exponential decay.

[truth]
family = "stalled_training"
causes = ["collapsed_learning_rate"]
"""
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

SEED = 2019
np.random.seed(SEED)
torch.manual_seed(SEED)

CFG = dict(n_users=600, n_items=400, k=16, epochs=12, batch_size=128, lr=1e-2, decay=0.95)

# ---------------------------------------------------------------- data
uf = np.random.normal(0, 1, (CFG["n_users"], 4))
itf = np.random.normal(0, 1, (CFG["n_items"], 4))
ub = np.random.normal(0, 0.4, CFG["n_users"])
ib = np.random.normal(0, 0.5, CFG["n_items"])
rows = []
for u in range(CFG["n_users"]):
    seen = np.random.choice(CFG["n_items"], 40, replace=False)
    score = 3.4 + ub[u] + ib[seen] + 0.45 * itf[seen] @ uf[u] + np.random.normal(0, 0.35, 40)
    for i, s in zip(seen, score):
        rows.append((u, i, float(np.clip(np.round(s * 2) / 2, 0.5, 5.0))))
ratings = pd.DataFrame(rows, columns=["userId", "movieId", "rating"]).sample(frac=1.0, random_state=SEED)
cut = int(len(ratings) * 0.9)
train_df, valid_df = ratings.iloc[:cut], ratings.iloc[cut:]
print(ratings.describe().loc[["count", "mean", "std"]])


def to_ds(df):
    return TensorDataset(torch.tensor(df.userId.values), torch.tensor(df.movieId.values),
                         torch.tensor(df.rating.values, dtype=torch.float32))


train_dl = DataLoader(to_ds(train_df), batch_size=CFG["batch_size"], shuffle=True)
valid_dl = DataLoader(to_ds(valid_df), batch_size=1024)


# ---------------------------------------------------------------- model
class BiasedMF(nn.Module):
    def __init__(self, n_users, n_items, k):
        super().__init__()
        self.u, self.i = nn.Embedding(n_users, k), nn.Embedding(n_items, k)
        self.bu, self.bi = nn.Embedding(n_users, 1), nn.Embedding(n_items, 1)
        self.mu = nn.Parameter(torch.zeros(1))
        for e in (self.u, self.i):
            nn.init.normal_(e.weight, std=0.05)
        for e in (self.bu, self.bi):
            nn.init.zeros_(e.weight)

    def forward(self, u, i):
        dot = (self.u(u) * self.i(i)).sum(1)
        return self.mu + dot + self.bu(u).squeeze(1) + self.bi(i).squeeze(1)


model = BiasedMF(CFG["n_users"], CFG["n_items"], CFG["k"])
opt = optim.Adam(model.parameters(), lr=CFG["lr"])
sched = optim.lr_scheduler.ExponentialLR(opt, gamma=CFG["decay"])
mse = nn.MSELoss()

# ---------------------------------------------------------------- fit
for epoch in range(CFG["epochs"]):
    model.train()
    tot = 0.0
    for u, i, r in train_dl:
        pred = model(u, i)
        loss = mse(pred, r)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        tot += loss.item() * len(r)
    model.eval()
    with torch.no_grad():
        se = sum(((model(u, i) - r) ** 2).sum().item() for u, i, r in valid_dl)
    print("epoch %2d | train rmse %.4f | valid rmse %.4f" % (
        epoch, (tot / len(train_df)) ** 0.5, (se / len(valid_df)) ** 0.5))
