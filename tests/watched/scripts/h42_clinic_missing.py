"""Multi-output regression on clinic records with missing entries in inputs and in targets.

[truth]
family = "healthy"
causes = []
"""
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def records(n=4000, seed=23):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 10))
    y = np.stack([x[:, 0] + x[:, 1], x[:, 2] * x[:, 3], np.abs(x[:, 4])], 1) + 0.1 * rng.normal(size=(n, 3))
    x[rng.random(x.shape) < 0.05] = np.nan
    y[rng.random(y.shape) < 0.3] = np.nan
    cols = [f"lab{i}" for i in range(10)] + ["out0", "out1", "out2"]
    return pd.DataFrame(np.concatenate([x, y], 1), columns=cols)


class Clinic(Dataset):
    def __init__(self, df):
        self.x = torch.tensor(df.iloc[:, :10].to_numpy(), dtype=torch.float32)
        self.y = torch.tensor(df.iloc[:, 10:].to_numpy(), dtype=torch.float32)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class Imputing(nn.Module):
    def __init__(self):
        super().__init__()
        self.fill = nn.Parameter(torch.zeros(10))
        self.net = nn.Sequential(nn.Linear(20, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 3))

    def forward(self, x):
        miss = torch.isnan(x)
        x = torch.where(miss, self.fill, x)
        return self.net(torch.cat([x, miss.float()], 1))


def masked_mse(pred, y):
    keep = ~torch.isnan(y)
    return ((pred[keep] - y[keep]) ** 2).sum() / keep.sum().clamp(min=1)


if __name__ == "__main__":
    torch.manual_seed(23)
    dl = DataLoader(Clinic(records()), batch_size=100, shuffle=True)
    model = Imputing()
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for epoch in range(10):
        tot = 0.0
        for x, y in dl:
            loss = masked_mse(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item()
        print(f"epoch {epoch}: masked mse {tot / len(dl):.4f}")
