"""Grid search with many short trainings (tiny learning rates do not learn) and 5-fold CV with
early stopping in one script.

[truth]
family = "healthy"
causes = []
"""
# Concrete strength regression: small grid search, then 5-fold CV with the winner and early stopping
import itertools
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, Subset

torch.set_num_threads(1)
rng = np.random.default_rng(70)
torch.manual_seed(70)

N = 1500
cement, slag, water, age = rng.uniform(100, 540, N), rng.uniform(0, 350, N), rng.uniform(120, 240, N), rng.choice([3, 7, 14, 28, 56, 90], N)
y = 20 * np.log1p(cement / water) + 0.05 * slag + 6 * np.log(age) - 5 + rng.normal(0, 1.5, N)
X = np.stack([cement, slag, water, np.log(age)], 1)
X = (X - X.mean(0)) / X.std(0)
y = (y - y.mean()) / y.std()
data = TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32))


def fit(train_idx, val_idx, lr, width, opt_name, max_epochs, patience=4):
    model = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))
    opt = {"sgd": lambda p: torch.optim.SGD(p, lr=lr, momentum=0.9), "adam": lambda p: torch.optim.Adam(p, lr=lr)}[opt_name](model.parameters())
    best, wait = np.inf, 0
    xv, yv = data[val_idx]
    for epoch in range(max_epochs):
        model.train()
        for xb, yb in DataLoader(Subset(data, train_idx), batch_size=50, shuffle=True):
            loss = nn.functional.mse_loss(model(xb).squeeze(1), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
        model.eval()
        with torch.no_grad():
            v = nn.functional.mse_loss(model(xv).squeeze(1), yv).item()
        if v < best - 1e-4:
            best, wait = v, 0
        else:
            wait += 1
            if wait >= patience:
                break
    return best, epoch + 1


idx = rng.permutation(N)
results = {}
for lr, width, name in itertools.product([3e-2, 3e-3, 3e-5], [16, 64], ["adam", "sgd"]):
    score, n = fit(idx[:1200], idx[1200:], lr, width, name, max_epochs=4)
    results[(lr, width, name)] = score
    print(f"lr {lr:g} width {width} {name}: val {score:.4f} after {n} epochs")
best = min(results, key=results.get)
print("winner", best)
folds = np.array_split(idx, 5)
cv = []
for k in range(5):
    tr = np.concatenate([f for j, f in enumerate(folds) if j != k])
    score, n = fit(tr, folds[k], *best, max_epochs=20)
    cv.append(score)
    print(f"fold {k}: val mse {score:.4f} stopped after {n}")
print(f"CV mse {np.mean(cv):.4f} +- {np.std(cv):.4f}")
