"""ReLU on the output of a regression net is dead for every input: gradients are exactly zero.

[truth]
family = "stalled_training"
causes = ["dead_units"]
step = 0
"""
"""Temporal convolution predicting next-day spread (standardised) from 32 days of prices."""
import argparse
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Spread(Dataset):
    def __init__(self, n=2500, win=32, seed=2):
        g = torch.Generator().manual_seed(seed)
        s = torch.zeros(n + win + 1, 2)
        for t in range(1, len(s)):
            s[t, 0] = 0.95 * s[t - 1, 0] + 0.3 * torch.randn(1, generator=g)
            s[t, 1] = 0.6 * s[t - 1, 1] - 0.5 * s[t - 1, 0] + 0.1 * torch.randn(1, generator=g)
        self.s = (s - s.mean(0)) / s.std(0)
        self.win = win

    def __len__(self):
        return len(self.s) - self.win - 1

    def __getitem__(self, i):
        return self.s[i:i + self.win].t(), self.s[i + self.win, 1]


class TCN(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        layers, c = [], 2
        for d in (1, 2, 4):
            layers += [nn.Conv1d(c, width, 3, padding=d, dilation=d), nn.ReLU()]
            c = width
        self.conv = nn.Sequential(*layers)
        self.fc = nn.Sequential(nn.Linear(width, 16), nn.ReLU(), nn.Linear(16, 1), nn.ReLU())

    def forward(self, x):
        return self.fc(self.conv(x)[..., -1]).squeeze(-1)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--lr", type=float, default=3e-3)
    ap.add_argument("--bs", type=int, default=64)
    ap.add_argument("--epochs", type=int, default=10)
    ap.add_argument("--seed", type=int, default=0)
    a = ap.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    dl = DataLoader(Spread(), batch_size=a.bs, shuffle=True)
    net = TCN()
    opt = torch.optim.RMSprop(net.parameters(), lr=a.lr)
    for ep in range(a.epochs):
        tot = 0
        for x, y in dl:
            loss = nn.functional.mse_loss(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item()
        print(f"{ep:02d} mse {tot / len(dl):.4f}")


if __name__ == "__main__":
    main()
