"""Hand-written batch standardisation divides by std 0 on the last batch, which has one row (12801
= 200*64+1).

[truth]
family = "unstable_loss"
causes = ["division_by_zero", "partial_last_batch"]
step = 200
phase = "forward"
"""
# %% [markdown]
# # Hospital readmission - MLP with own normalisation layer
# %%
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader

torch.set_num_threads(1)
np.random.seed(42)
torch.manual_seed(42)

# %%
N = 12801
df = pd.DataFrame({
    "age": np.random.normal(62, 14, N).clip(18, 99),
    "los_days": np.random.gamma(2.0, 2.5, N),
    "n_meds": np.random.poisson(11, N).astype(float),
    "hba1c": np.random.normal(6.4, 1.2, N),
    "creatinine": np.random.lognormal(0.1, 0.3, N),
    "prior_adm": np.random.poisson(0.8, N).astype(float),
})
score = 0.03 * (df.age - 62) + 0.15 * df.los_days + 0.6 * df.prior_adm + 0.5 * (df.creatinine - 1.1) - 1.6
df["readmit"] = (np.random.rand(N) < 1 / (1 + np.exp(-score))).astype(float)
df.describe()

# %%
feats = [c for c in df.columns if c != "readmit"]
X = ((df[feats] - df[feats].mean()) / df[feats].std()).values.astype(np.float32)
y = df["readmit"].values.astype(np.float32)


class Readmissions(Dataset):
    def __init__(self, X, y):
        self.X, self.y = X, y

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return torch.from_numpy(self.X[i]), torch.tensor(self.y[i])


# %%
class BatchStandardize(nn.Module):
    def __init__(self, dim, momentum=0.1):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))
        self.beta = nn.Parameter(torch.zeros(dim))
        self.momentum = momentum
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("std", torch.ones(dim))

    def forward(self, x):
        if self.training:
            mu = x.mean(0)
            sd = (x - mu).pow(2).mean(0).sqrt()
            with torch.no_grad():
                self.mean.lerp_(mu, self.momentum)
                self.std.lerp_(sd, self.momentum)
        else:
            mu, sd = self.mean, self.std
        z = (x - mu) / sd  # <- culprit
        return self.gamma * z + self.beta


net = nn.Sequential(nn.Linear(len(feats), 64), BatchStandardize(64), nn.Tanh(),
                    nn.Linear(64, 32), BatchStandardize(32), nn.Tanh(), nn.Linear(32, 1))
opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
loader = DataLoader(Readmissions(X, y), batch_size=64, shuffle=True)
crit = nn.BCEWithLogitsLoss()

# %%
hist = []
for epoch in range(4):
    net.train()
    tot = 0.0
    for xb, yb in loader:
        opt.zero_grad()
        loss = crit(net(xb).squeeze(1), yb)
        loss.backward()
        opt.step()
        tot += loss.item()
    hist.append(tot / len(loader))
    print(f"epoch {epoch}: loss {hist[-1]:.4f}")
