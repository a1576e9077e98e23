"""Trains a GRU to estimate remaining life of bearings from sensor windows.

[truth]
family = "bad_data"
causes = ["nonfinite_input"]
step = 18
phase = "input"
among = [779, 780, 781]
"""
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

WIN = 30
SENSORS = ["vib_x", "vib_y", "temp", "rpm", "load"]


def make_runs(n_units=24, seed=9):
    rng = np.random.RandomState(seed)
    frames = []
    for unit in range(n_units):
        T = rng.randint(90, 150)
        wear = np.linspace(0, 1, T) ** rng.uniform(1.2, 2.5)
        df = pd.DataFrame({
            "unit": unit,
            "vib_x": 0.3 + 1.5 * wear + 0.1 * rng.randn(T),
            "vib_y": 0.2 + 1.1 * wear + 0.1 * rng.randn(T),
            "temp": 40 + 25 * wear + rng.randn(T),
            "rpm": np.round(1500 + 3 * rng.randn(T)),
            "load": rng.choice([0.5, 0.75, 1.0], T),
            "rul": np.arange(T)[::-1].astype(float),
        })
        if unit == 15:
            df.loc[T - 34:, "load"] = 1.0
        frames.append(df)
    return pd.concat(frames, ignore_index=True)


class WindowDataset(Dataset):
    def __init__(self, df):
        self.groups, self.index = [], []
        for u, g in df.groupby("unit"):
            x = g[SENSORS].to_numpy(np.float32)
            y = np.minimum(g["rul"].to_numpy(np.float32), 80.0) / 80.0
            gi = len(self.groups)
            self.groups.append((x, y))
            self.index += [(gi, s) for s in range(0, len(g) - WIN + 1, 2)]

    def __len__(self):
        return len(self.index)

    def __getitem__(self, i):
        g, s = self.index[i]
        x, y = self.groups[g]
        w = x[s:s + WIN]
        # scale per window so that units with different mounting are comparable
        level = np.stack([w.mean(0), w.std(0)])
        w = (w - w.mean(0)) / w.std(0)
        return torch.from_numpy(w), torch.from_numpy(level), torch.tensor(y[s + WIN - 1])


class RULNet(nn.Module):
    def __init__(self, h=40):
        super().__init__()
        self.gru = nn.GRU(len(SENSORS), h, batch_first=True)
        self.scale = torch.tensor([[1.0, 1.0, 50.0, 1500.0, 1.0], [1.0, 1.0, 5.0, 3.0, 1.0]])
        self.fc = nn.Sequential(nn.Linear(h + 2 * len(SENSORS), 32), nn.ELU(), nn.Linear(32, 1))

    def forward(self, w, level):
        _, hn = self.gru(w)
        return self.fc(torch.cat([hn[-1], (level / self.scale).flatten(1)], 1)).squeeze(1)


df = make_runs()
train_df, test_df = df[df.unit < 20], df[df.unit >= 20]

torch.manual_seed(21)
train_ds, test_ds = WindowDataset(train_df), WindowDataset(test_df)
train_dl = DataLoader(train_ds, batch_size=16, shuffle=True)
test_dl = DataLoader(test_ds, batch_size=64)
print("windows:", len(train_ds), "train /", len(test_ds), "test")

model = RULNet()
opt = torch.optim.NAdam(model.parameters(), lr=2e-3)
loss_fn = nn.L1Loss()

for epoch in range(6):
    model.train()
    s = 0.0
    for w, level, y in train_dl:
        opt.zero_grad()
        loss = loss_fn(model(w, level), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        s += loss.item() * len(y)
    model.eval()
    with torch.no_grad():
        t = sum(loss_fn(model(w, level), y).item() * len(y) for w, level, y in test_dl) / len(test_ds)
    print(f"Epoch {epoch + 1}: train MAE {80 * s / len(train_ds):.2f} cycles, test MAE {80 * t:.2f} cycles")
