"""Trains a regressor of river levels from rain gauges, with hand-written mini-batches.

[truth]
family = "bad_data"
causes = ["partial_last_batch"]
step = 60
phase = "forward"
"""
import torch
from torch import nn


class GaugeNorm(nn.Module):
    """Scales each gauge by what the rest of the batch shows."""

    def __init__(self, n):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(n))
        self.shift = nn.Parameter(torch.zeros(n))

    def forward(self, x):
        centred = x - x.mean(0)
        return self.gain * centred / (x.std(0) + 1e-5) + self.shift  # <- culprit


class LevelNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 48), GaugeNorm(48), nn.SiLU(), nn.Linear(48, 1))

    def forward(self, x):
        return self.body(x).squeeze(-1)


class Trainer:
    def __init__(self, net, x, y, batch=32):
        self.net, self.x, self.y, self.batch = net, x, y, batch
        self.opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
        self.history = []

    def batches(self):
        order = torch.randperm(len(self.x))
        for i in range(0, len(order), self.batch):
            pick = order[i:i + self.batch]
            yield self.x[pick], self.y[pick]

    def fit(self, epochs):
        for e in range(epochs):
            seen = []
            for xb, yb in self.batches():
                self.opt.zero_grad()
                loss = nn.functional.smooth_l1_loss(self.net(xb), yb)
                loss.backward()
                self.opt.step()
                seen.append(loss.item())
            self.history.append(sum(seen) / len(seen))
            print(f"epoch {e} loss {self.history[-1]:.4f}")


torch.manual_seed(21)
rain = torch.rand(1921, 10) * 3
level = torch.sin(rain[:, 0]) + 0.5 * rain[:, 1] * rain[:, 2] / 3 + 0.1 * torch.randn(1921)
Trainer(LevelNet(), rain, level).fit(6)
