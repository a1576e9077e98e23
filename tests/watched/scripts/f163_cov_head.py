"""Fits a probabilistic multi-output regressor with a full residual covariance (soil chemistry).

[truth]
family = "unstable_loss"
causes = ["argument_out_of_domain"]
step = 148
phase = "loss"
"""
import math
import sys
import time

import numpy as np
import torch
from torch import nn


class SoilTable:
    """Six correlated lab measurements explained by ten spectral features."""

    TARGETS = ("pH", "SOC", "N", "clay", "CEC", "Ca")

    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        w = np.random.default_rng(100)
        W1, W2 = w.normal(size=(10, 8)) / 3, w.normal(size=(8, 6)) / 2
        mix = w.normal(size=(6, 6)) * np.array([0.5, 0.4, 0.3, 0.2, 0.1, 0.05])
        x = rng.normal(size=(n, 10))
        y = np.tanh(x @ W1) @ W2 + rng.normal(size=(n, 6)) @ mix.T
        self.x = torch.tensor(x, dtype=torch.float32)
        self.y = torch.tensor(y, dtype=torch.float32)


class MultiOutputRegressor(nn.Module):
    def __init__(self, d_in, d_out, width=64):
        super().__init__()
        self.mean = nn.Sequential(nn.Linear(d_in, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(),
                                  nn.Linear(width, d_out))
        self.S = nn.Parameter(torch.eye(d_out))

    def covariance(self):
        return 0.5 * (self.S + self.S.t())

    def forward(self, x):
        return self.mean(x), self.covariance()


def gaussian_nll(mu, cov, y):
    r = y - mu
    maha = (r * torch.linalg.solve(cov, r.t()).t()).sum(1)
    norm = (2 * math.pi) ** (y.size(1) / 2) * torch.det(cov).sqrt()  # <- culprit
    return 0.5 * maha.mean() + torch.log(norm)


class Runner:
    def __init__(self, argv):
        self.epochs = int(argv[1]) if len(argv) > 1 else 40
        torch.manual_seed(17)
        self.train, self.test = SoilTable(4000, 1), SoilTable(500, 2)
        self.model = MultiOutputRegressor(10, 6)
        self.opt = torch.optim.Adam(self.model.parameters(), lr=6e-3)

    def one_epoch(self):
        order = torch.randperm(len(self.train.x))
        acc = []
        for b in order.chunk(60):
            self.opt.zero_grad()
            mu, cov = self.model(self.train.x[b])
            loss = gaussian_nll(mu, cov, self.train.y[b])
            loss.backward()
            self.opt.step()
            acc.append(loss.item())
        return sum(acc) / len(acc)

    @torch.no_grad()
    def report(self):
        mu, cov = self.model(self.test.x)
        rmse = (mu - self.test.y).pow(2).mean(0).sqrt()
        return gaussian_nll(mu, cov, self.test.y).item(), rmse

    def run(self):
        start = time.time()
        for e in range(1, self.epochs + 1):
            tr = self.one_epoch()
            te, rmse = self.report()
            cols = " ".join(f"{n}={v:.2f}" for n, v in zip(SoilTable.TARGETS, rmse.tolist()))
            print(f"[{time.time() - start:5.1f}s] epoch {e:3d} train {tr:8.4f} test {te:8.4f} | {cols}")


if __name__ == "__main__":
    Runner(sys.argv).run()
