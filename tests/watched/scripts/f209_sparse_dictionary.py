"""Learns a sparse dictionary (tied autoencoder with atom pruning) for short audio frames.

[truth]
family = "corrupted_state"
causes = ["corrupted_weights"]
step = 749
window = 1
phase = "state"
"""
import numpy as np
import torch
from torch import nn


def frames(n, rng):
    t = np.arange(32) / 32.0
    f = rng.integers(1, 7, size=(n, 2))
    ph = rng.uniform(0, 2 * np.pi, size=(n, 2))
    amp = rng.exponential(1.0, size=(n, 2))
    x = (amp[:, :, None] * np.sin(2 * np.pi * f[:, :, None] * t + ph[:, :, None])).sum(1)
    return (x + 0.02 * rng.standard_normal((n, 32))).astype("float32")


class Dictionary(nn.Module):
    def __init__(self, atoms=48, dim=32):
        super().__init__()
        self.D = nn.Parameter(torch.randn(atoms, dim))
        self.bias = nn.Parameter(torch.full((atoms,), -0.1))
        self.normalise()

    @torch.no_grad()
    def normalise(self):
        self.D.div_(self.D.norm(dim=1, keepdim=True))  # <- culprit

    @torch.no_grad()
    def prune(self, usage, floor):
        self.D[usage < floor] = 0.0

    def forward(self, x):
        code = torch.relu(x @ self.D.T + self.bias)
        return code @ self.D, code


class Trainer:
    def __init__(self, seed=4):
        torch.manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        self.model = Dictionary()
        self.opt = torch.optim.SGD(self.model.parameters(), lr=0.005, momentum=0.8)
        self.data = frames(4000, self.rng)
        self.usage = torch.ones(len(self.model.D))

    def step(self):
        x = torch.from_numpy(self.data[self.rng.integers(0, len(self.data), 50)])
        y, code = self.model(x)
        loss = (y - x).pow(2).sum(1).mean() + 0.05 * code.abs().sum(1).mean()
        self.opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.opt.step()
        self.usage.mul_(0.98).add_(code.detach().mean(0), alpha=0.02)
        return loss.item()

    def fit(self, steps=1000):
        for s in range(steps):
            loss = self.step()
            if s % 150 == 149:
                self.model.prune(self.usage, 0.4 * self.usage.median())
            self.model.normalise()
            if s % 60 == 0:
                print(f"{s:5d}  {loss:.5f}  least used atom {self.usage.min():.4f}")


if __name__ == "__main__":
    Trainer().fit()
