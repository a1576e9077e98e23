"""Mixture density network for an inverse problem (x = y + 0.3 sin(2 pi y) + noise), with rounded sensor readings.

[truth]
family = "healthy"
causes = []
"""
import math

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = 11
K = 8


def load_data(n=4000):
    rng = np.random.default_rng(SEED)
    y = rng.uniform(0, 1, n)
    x = y + 0.3 * np.sin(2 * np.pi * y) + rng.uniform(-0.05, 0.05, n)
    y[rng.random(n) < 0.35] = 0.5  # the device reports mid-scale while it is idle
    return torch.tensor(x, dtype=torch.float32)[:, None], torch.tensor(y, dtype=torch.float32)[:, None]


class MDN(nn.Module):
    def __init__(self, hidden=64, k=K):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.pi = nn.Linear(hidden, k)
        self.mu = nn.Linear(hidden, k)
        self.log_sigma = nn.Linear(hidden, k)
        nn.init.uniform_(self.mu.bias, 0, 1)
        nn.init.constant_(self.log_sigma.bias, -1.5)

    def forward(self, x):
        h = self.trunk(x)
        return torch.log_softmax(self.pi(h), -1), self.mu(h), self.log_sigma(h)


def mdn_nll(log_pi, mu, log_sigma, y):
    z = (y - mu) * torch.exp(-log_sigma)
    comp = log_pi - 0.5 * z**2 - log_sigma - 0.5 * math.log(2 * math.pi)
    return -torch.logsumexp(comp, -1).mean()


def run(epochs=20, lr=3e-3):
    torch.manual_seed(SEED)
    x, y = load_data()
    dl = DataLoader(TensorDataset(x, y), batch_size=128, shuffle=True, drop_last=True)
    model = MDN()
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    for ep in range(epochs):
        tot = 0.0
        for xb, yb in dl:
            loss = mdn_nll(*model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item() / len(dl)
        if ep % 2 == 0:
            with torch.no_grad():
                smallest = model(x)[2].exp().min().item()
            print(f"[{ep:02d}] nll {tot:10.3f}   min sigma {smallest:.2e}")
    return model


if __name__ == "__main__":
    run()
