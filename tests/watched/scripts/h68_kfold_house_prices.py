"""Trains an MLP on synthetic house prices in dollars, five folds, squared error summed over the batch.

[truth]
family = "healthy"
causes = []
"""
import numpy as np
import torch
from torch import nn

FOLDS, EPOCHS, BS = 5, 25, 64
np.random.seed(1)
torch.manual_seed(1)
torch.set_num_threads(1)

# ------------------------------------------------------------------ load
n = 2400
area = np.random.lognormal(7.4, 0.35, n)          # square feet
rooms = np.clip(np.round(area / 350 + np.random.randn(n)), 1, 12)
age = np.random.exponential(30, n)
lot = np.random.lognormal(8.5, 0.6, n)
zone = np.random.randint(0, 6, n)
zone_price = np.array([90., 120, 150, 180, 230, 320])
price = area * zone_price[zone] * np.exp(-age / 250) + 3 * lot + 9000 * rooms + np.random.randn(n) * 15000
# a handful of mansions, they are real
price[np.random.choice(n, 12, replace=False)] *= 3.0

num = np.stack([np.log(area), rooms, np.log1p(age), np.log(lot)], 1)
num = (num - num.mean(0)) / num.std(0)
X = torch.tensor(np.concatenate([num, np.eye(6)[zone]], 1), dtype=torch.float32)
y = torch.tensor(price, dtype=torch.float32)
print("median price $%.0f, max $%.0f" % (np.median(price), price.max()))


class Net(nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.mean, self.std = mean, std
        self.seq = nn.Sequential(nn.Linear(10, 64), nn.ELU(), nn.Linear(64, 64), nn.ELU(), nn.Linear(64, 1))

    def forward(self, x):
        return self.seq(x).squeeze(1) * self.std + self.mean      # dollars


def rmsle(p, t):
    return (torch.log1p(p.clamp(min=0)) - torch.log1p(t)).pow(2).mean().sqrt().item()


# ------------------------------------------------------------------ cv
perm = np.random.permutation(n)
parts = np.array_split(perm, FOLDS)
scores, oof = [], torch.zeros(n)
for fold in range(FOLDS):
    va = torch.tensor(parts[fold])
    tr = torch.tensor(np.concatenate([parts[k] for k in range(FOLDS) if k != fold]))
    model = Net(y[tr].mean().item(), y[tr].std().item())
    optim = torch.optim.Adam(model.parameters(), lr=3e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(optim, 1e-2, epochs=EPOCHS, steps_per_epoch=(len(tr) + BS - 1) // BS)
    for epoch in range(EPOCHS):
        model.train()
        tot = 0.
        for idx in tr[torch.randperm(len(tr))].split(BS):
            loss = ((model(X[idx]) - y[idx]) ** 2).sum()
            optim.zero_grad()
            loss.backward()
            optim.step()
            sched.step()
            tot += loss.item()
        if epoch % 8 == 0 or epoch == EPOCHS - 1:
            model.eval()
            with torch.no_grad():
                pv = model(X[va])
            print(f"fold {fold} epoch {epoch:2d}  sse {tot:.4e}  val rmse ${(pv - y[va]).pow(2).mean().sqrt():,.0f}")
    oof[va] = pv
    scores.append(rmsle(pv, y[va]))
    print(f"fold {fold} rmsle {scores[-1]:.4f}")
print("cv rmsle %.4f +- %.4f" % (np.mean(scores), np.std(scores)), " oof %.4f" % rmsle(oof, y))
