"""Trains a GRU forecaster with Gaussian likelihood on gappy meter readings, cosine warm restarts.

[truth]
family = "healthy"
causes = []
"""
import logging
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
log = logging.getLogger("forecast")


class MeterWindows(Dataset):
    """36 observed hours + 6 to predict. Gaps are NaN, some meters read zero throughout."""

    def __init__(self, n=512, hist=36, horizon=6, seed=3):
        g = torch.Generator().manual_seed(seed)
        t = torch.arange(hist + horizon).float()
        level = torch.exp(torch.randn(n, 1, generator=g) + 1)
        phase = torch.rand(n, 1, generator=g) * 2 * math.pi
        amp = 0.6 * torch.rand(n, 1, generator=g)
        noise = 0.05 * torch.randn(n, hist + horizon, generator=g)
        self.x = (level * (1 + amp * torch.sin(2 * math.pi * t / 24 + phase) + noise)).clamp_min(0)
        self.x[torch.rand(n, generator=g) < 0.05] = 0
        self.x[torch.rand(self.x.shape, generator=g) < 0.03] = float("nan")
        self.hour = torch.stack([torch.sin(2 * math.pi * t / 24), torch.cos(2 * math.pi * t / 24)], 1)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.hour


class Forecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.rnn = nn.GRU(5, hidden, batch_first=True)
        self.mu = nn.Linear(hidden, 1)
        self.sigma = nn.Linear(hidden, 1)

    def forward(self, y, seen, hour, hist):
        scale = y[:, :hist].sum(1, keepdim=True) / seen[:, :hist].sum(1, keepdim=True).clamp_min(1) + 0.1
        z = y[:, :-1] / scale
        inp = torch.stack([z, seen[:, :-1], scale.log().expand_as(z)], 2)
        h, _ = self.rnn(torch.cat([inp, hour[:, 1:]], 2))
        mu = self.mu(h).squeeze(2) * scale
        sigma = (nn.functional.softplus(self.sigma(h)).squeeze(2) + 1e-3) * scale
        return mu, sigma


def run(epochs=60, hist=36):
    torch.manual_seed(8)
    loader = DataLoader(MeterWindows(), batch_size=24, shuffle=True)
    net = Forecaster()
    opt = torch.optim.Adam(net.parameters(), lr=2e-2)
    sched = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=10, T_mult=2, eta_min=1e-5)
    for ep in range(epochs):
        run_loss = 0.0
        for k, (y, hour) in enumerate(loader):
            seen = (~torch.isnan(y)).float()
            y = torch.nan_to_num(y)
            mu, sigma = net(y, seen, hour, hist)
            z = (y[:, 1:] - mu) / sigma
            nll = 0.5 * z ** 2 + torch.log(sigma)
            loss = (nll * seen[:, 1:]).sum() / seen[:, 1:].sum()
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            sched.step(ep + k / len(loader))
            run_loss += loss.item()
        if ep % 3 == 0:
            log.info("epoch %3d  lr %.5f  nll %.4f", ep, sched.get_last_lr()[0], run_loss / len(loader))


if __name__ == "__main__":
    run()
