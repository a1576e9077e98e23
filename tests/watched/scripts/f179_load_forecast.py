"""Trains a GRU on hourly load readings of many meters, next-hour forecast.

[truth]
family = "bad_data"
causes = ["outlier_batch", "recurring_bad_batch"]
step = 19
window = 0
samples = [223]
"""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader

SEED = 11
HIST = 24
LR = 0.05
EPOCHS = 5


def simulate_meters(n_meters=60, hours=24 * 8):
    rng = np.random.RandomState(SEED)
    t = np.arange(hours)
    level = rng.lognormal(0.0, 0.3, size=(n_meters, 1))
    day = 1 + 0.5 * np.sin(2 * np.pi * (t[None] - rng.uniform(5, 9, (n_meters, 1))) / 24)
    kwh = level * day + 0.05 * rng.randn(n_meters, hours)
    register = np.round(kwh * 1000.0)
    register[31, 168] *= 10 ** 6
    kwh = register / 1000.0
    return kwh.astype(np.float32)


class MeterWindows(Dataset):
    def __init__(self, kwh, stride):
        self.x, self.y = [], []
        for row in kwh:
            for s in range(0, len(row) - HIST, stride):
                self.x.append(row[s:s + HIST])
                self.y.append(row[s + HIST])

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return torch.from_numpy(self.x[i]).unsqueeze(-1), torch.tensor(self.y[i])


class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        h, _ = self.gru(x)
        return self.out(h[:, -1]).squeeze(-1)


def evaluate(model, loader):
    model.eval()
    ae, n = 0.0, 0
    with torch.no_grad():
        for x, y in loader:
            ae += (model(x) - y).abs().sum().item()
            n += len(y)
    model.train()
    return ae / n


torch.manual_seed(SEED)
kwh = simulate_meters()
train_set = MeterWindows(kwh[:50], stride=24)
test_set = MeterWindows(kwh[50:], stride=24)
train_loader = DataLoader(train_set, batch_size=16, shuffle=True)
test_loader = DataLoader(test_set, batch_size=64)
print("train windows", len(train_set), " test windows", len(test_set))
model = Forecaster()
optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=0.9, nesterov=True)
loss_fn = nn.MSELoss()

step = 0
for epoch in range(EPOCHS):
    running = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        running += loss.item()
        step += 1
    print("epoch %d  train %.5f  test MAE %.4f" % (epoch + 1, running / len(train_loader), evaluate(model, test_loader)))
