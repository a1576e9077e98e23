"""Trains a 1-D convolutional net to tell heavy from light traffic by bridge vibration windows.

[truth]
family = "bad_data"
causes = ["nonfinite_input"]
step = 58
phase = "input"
samples = [1348]
"""
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

WIN = 64


def read_log(n_windows, seed):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n_windows)
    t = np.arange(WIN)
    freq = np.where(label == 1, 0.18, 0.26)[:, None] + rng.normal(0, 0.02, (n_windows, 1))
    wave = np.sin(2 * np.pi * freq * t + rng.uniform(0, 6.28, (n_windows, 1)))
    acc = 4.5 + wave * rng.uniform(0.5, 2, (n_windows, 1)) + rng.normal(0, 0.5, (n_windows, WIN))
    acc[1348] = 4.5
    return pd.DataFrame({"window": np.repeat(np.arange(n_windows), WIN),
                         "acc": acc.ravel(), "heavy": np.repeat(label, WIN)})


class Windows(Dataset):
    def __init__(self, frame):
        self.acc = frame["acc"].to_numpy("float32").reshape(-1, WIN)
        self.heavy = frame.groupby("window")["heavy"].first().to_numpy("int64")

    def __len__(self):
        return len(self.acc)

    def __getitem__(self, i):
        a = self.acc[i]
        a = (a - a.mean()) / a.std()  # <- culprit
        return torch.from_numpy(a)[None], int(self.heavy[i])


def make_net():
    return nn.Sequential(
        nn.Conv1d(1, 16, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(16, 32, 5, padding=2), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
        nn.Flatten(), nn.Linear(32, 2))


def run():
    torch.manual_seed(5)
    ds = Windows(read_log(4000, 5))
    dl = DataLoader(ds, batch_size=32, shuffle=True, num_workers=2)
    net = make_net()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    lossf = nn.CrossEntropyLoss()
    for ep in range(2):
        for i, (x, y) in enumerate(dl):
            loss = lossf(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            if i % 25 == 0:
                print(ep, i, round(loss.item(), 4))


if __name__ == "__main__":
    run()
