"""Trains a RealNVP-style flow on two-moons-like points.

[truth]
family = "stalled_training"
causes = ["collapsed_learning_rate"]
"""
import numpy as np
import torch
from torch import nn

rs = np.random.RandomState(3)


def moons(n):
    th = rs.rand(n) * np.pi
    top = rs.rand(n) < 0.5
    x = np.where(top, np.cos(th), 1 - np.cos(th))
    y = np.where(top, np.sin(th), 0.4 - np.sin(th))
    pts = np.stack([x, y], 1) + rs.randn(n, 2) * 0.06
    return torch.tensor((pts - pts.mean(0)) / pts.std(0), dtype=torch.float32)


class Coupling(nn.Module):
    def __init__(self, flip):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2))

    def forward(self, x):
        a, b = x.chunk(2, dim=1)
        if self.flip:
            a, b = b, a
        s, t = self.net(a).chunk(2, dim=1)
        s = 1.5 * torch.tanh(s)
        b = b * s.exp() + t
        out = torch.cat([b, a], 1) if self.flip else torch.cat([a, b], 1)
        return out, s.squeeze(1)


class Flow(nn.Module):
    def __init__(self, depth=6):
        super().__init__()
        self.layers = nn.ModuleList(Coupling(i % 2 == 1) for i in range(depth))

    def log_prob(self, x):
        ld = 0.0
        for layer in self.layers:
            x, s = layer(x)
            ld = ld + s
        return (-0.5 * x.pow(2) - 0.5 * np.log(2 * np.pi)).sum(1) + ld


class Trainer:
    def __init__(self, model, train, valid, lr=2e-3, bs=128):
        self.model, self.train_x, self.valid_x, self.bs = model, train, valid, bs
        self.opt = torch.optim.Adamax(model.parameters(), lr=lr)
        self.sched = torch.optim.lr_scheduler.ReduceLROnPlateau(self.opt, mode="max", factor=0.3, patience=1)
        self.history = []

    def run_epoch(self):
        perm = torch.from_numpy(rs.permutation(len(self.train_x)))
        total = 0.0
        for idx in perm.split(self.bs):
            nll = -self.model.log_prob(self.train_x[idx]).mean()
            self.opt.zero_grad()
            nll.backward()
            self.opt.step()
            total += nll.item() * len(idx)
        return total / len(perm)

    @torch.no_grad()
    def validate(self):
        return -self.model.log_prob(self.valid_x).mean().item()

    def fit(self, epochs):
        for ep in range(1, epochs + 1):
            tr = self.run_epoch()
            va = self.validate()
            self.sched.step(va)
            self.history.append((tr, va))
            print(f"ep {ep:02d} | train nll {tr:.4f} | valid nll {va:.4f}")


if __name__ == "__main__":
    torch.manual_seed(3)
    Trainer(Flow(), moons(3000), moons(800)).fit(50)
