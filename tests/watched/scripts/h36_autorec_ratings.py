"""AutoRec on a ratings matrix whose unknown entries are NaN; the unknown entries never reach the loss.

[truth]
family = "healthy"
causes = []
"""
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from torch.utils.data import DataLoader

rng = np.random.default_rng(14)
torch.manual_seed(14)
USERS, ITEMS, RANK = 1200, 120, 3
true = 3 + rng.normal(size=(USERS, RANK)) @ rng.normal(size=(RANK, ITEMS)) * 0.8
noisy = np.clip(true + 0.2 * rng.normal(size=true.shape), 1, 5)
noisy[rng.random(noisy.shape) > 0.35] = np.nan
ratings = pd.DataFrame(noisy)
print("known ratings:", int(ratings.notna().sum().sum()))
matrix = torch.tensor(ratings.to_numpy(), dtype=torch.float32)


class AutoRec(nn.Module):
    def __init__(self, n_items, hidden=48):
        super().__init__()
        self.encode = nn.Linear(n_items, hidden)
        self.decode = nn.Linear(hidden, n_items)

    def forward(self, r):
        known = ~torch.isnan(r)
        x = torch.where(known, r - 3.0, torch.zeros_like(r))
        return 3.0 + self.decode(torch.tanh(self.encode(x))), known


def masked_sse(pred, r, known):
    return ((pred[known] - r[known]) ** 2).sum()


model = AutoRec(ITEMS)
opt = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-5)
loader = DataLoader(matrix, batch_size=40, shuffle=True)
for epoch in range(10):
    sse, count = 0.0, 0
    for r in loader:
        pred, known = model(r)
        loss = masked_sse(pred, r, known)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sse += loss.item()
        count += int(known.sum())
    print(f"epoch {epoch} rmse {(sse / count) ** 0.5:.4f}")
