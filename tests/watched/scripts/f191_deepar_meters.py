"""Trains a DeepAR-like GRU with a Gaussian likelihood on hourly meter readings.

[truth]
family = "unstable_loss"
causes = ["unbounded_loss", "log_of_zero", "division_by_zero"]
step = 1077
window = 0
phase = "backward"
among = [0, 4, 16, 32, 42, 61, 70, 88, 104, 108, 112, 123, 128, 137, 151, 158, 167, 186, 209, 213, 219, 225, 231, 257, 290, 292, 311, 335, 346, 368, 383, 384, 390, 413, 429, 439, 479, 484, 495, 506, 511]
"""
import logging
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
log = logging.getLogger("forecast")


class MeterWindows(Dataset):
    """n meters, one window each: 36 observed hours + 6 to predict."""

    def __init__(self, n=512, hist=36, horizon=6, seed=3):
        g = torch.Generator().manual_seed(seed)
        t = torch.arange(hist + horizon).float()
        level = torch.exp(torch.randn(n, 1, generator=g) * 1.0 + 1)
        phase = torch.rand(n, 1, generator=g) * 2 * math.pi
        amp = 0.6 * torch.rand(n, 1, generator=g)
        noise = 0.1 * torch.randn(n, hist + horizon, generator=g)
        self.x = (level * (1 + amp * torch.sin(2 * math.pi * t / 24 + phase) + noise)).clamp_min(0)
        vacant = torch.rand(n, generator=g) < 0.06
        self.x[vacant] = 0
        self.hour = torch.stack([torch.sin(2 * math.pi * t / 24), torch.cos(2 * math.pi * t / 24)], 1)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.hour


class DeepAR(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.rnn = nn.GRU(4, hidden, batch_first=True)
        self.mu = nn.Linear(hidden, 1)
        self.sigma = nn.Linear(hidden, 1)

    def forward(self, y, hour, hist):
        scale = y[:, :hist].mean(1, keepdim=True)
        z = y[:, :-1] / (scale + 1.0)
        inp = torch.stack([z, torch.log1p(scale).expand_as(z)], 2)
        h, _ = self.rnn(torch.cat([inp, hour[:, 1:]], 2))
        mu = self.mu(h).squeeze(2) * scale
        sigma = nn.functional.softplus(self.sigma(h)).squeeze(2)
        return mu, sigma


def gaussian_nll(y, mu, sigma):
    z = (y - mu) / sigma
    return (0.5 * z ** 2 + torch.log(sigma) + 0.5 * math.log(2 * math.pi)).mean()  # <- culprit


def run(epochs=45, hist=36):
    torch.manual_seed(8)
    loader = DataLoader(MeterWindows(), batch_size=16, shuffle=True)
    net = DeepAR()
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    log.info("parameters: %d", sum(p.numel() for p in net.parameters()))
    for ep in range(epochs):
        run_loss = 0.0
        for y, hour in loader:
            opt.zero_grad()
            mu, sigma = net(y, hour, hist)
            loss = gaussian_nll(y[:, 1:], mu, sigma)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 10.0)
            opt.step()
            run_loss += loss.item()
        if ep % 5 == 0:
            log.info("epoch %3d  nll %.4f  median sigma %.4f", ep, run_loss / len(loader), sigma.median().item())


if __name__ == "__main__":
    run()
