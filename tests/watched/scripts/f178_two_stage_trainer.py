"""Trains an encoder with a regression head and separate optimizers on sensor windows.

[truth]
family = "exploding_gradients"
causes = ["missing_zero_grad"]
step = 108
window = 50
phase = "loss"
"""
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


@dataclass
class OptimConfig:
    encoder_lr: float = 0.02
    encoder_momentum: float = 0.9
    head_lr: float = 1e-3


@dataclass
class Config:
    n_train: int = 2048
    n_val: int = 256
    window: int = 48
    channels: int = 4
    batch_size: int = 32
    epochs: int = 8
    seed: int = 3
    optim: OptimConfig = field(default_factory=OptimConfig)


class SensorWindows(Dataset):
    """Four noisy channels; the target is the amplitude-weighted frequency."""

    def __init__(self, n, cfg, seed):
        rng = np.random.default_rng(seed)
        t = np.arange(cfg.window)
        freq = rng.uniform(0.05, 0.4, size=(n, 1, 1))
        amp = rng.uniform(0.5, 1.5, size=(n, cfg.channels, 1))
        phase = rng.uniform(0, 6.28, size=(n, cfg.channels, 1))
        x = amp * np.sin(freq * t + phase) + rng.normal(0, 0.1, size=(n, cfg.channels, cfg.window))
        y = amp.mean(1)[:, 0] * freq[:, 0, 0]
        self.x = torch.tensor(x, dtype=torch.float32)
        self.y = torch.tensor((y - 0.225) / 0.11, dtype=torch.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class Encoder(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(channels, 16, 5, padding=2), nn.LeakyReLU(0.1), nn.MaxPool1d(2),
            nn.Conv1d(16, 32, 5, padding=2), nn.LeakyReLU(0.1), nn.MaxPool1d(2),
            nn.Conv1d(32, 32, 3, padding=1), nn.LeakyReLU(0.1))

    def forward(self, x):
        return self.net(x).mean(-1)


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(32, 32), nn.LeakyReLU(0.1), nn.Linear(32, 1))

    def forward(self, h):
        return self.fc(h).squeeze(-1)


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        self.encoder = Encoder(cfg.channels)
        self.head = Head()
        self.enc_opt = torch.optim.SGD(self.encoder.parameters(), lr=cfg.optim.encoder_lr, momentum=cfg.optim.encoder_momentum)
        self.head_opt = torch.optim.Adam(self.head.parameters(), lr=cfg.optim.head_lr)
        self.optimizers = [self.enc_opt, self.head_opt]
        self.criterion = nn.MSELoss()
        self.history = []

    def training_step(self, batch):
        x, y = batch
        self.head.zero_grad()
        loss = self.criterion(self.head(self.encoder(x)), y)
        loss.backward()
        for opt in self.optimizers:
            opt.step()
        return loss.item()

    @torch.no_grad()
    def validate(self, loader):
        self.encoder.eval(), self.head.eval()
        err = torch.cat([(self.head(self.encoder(x)) - y).abs() for x, y in loader])
        self.encoder.train(), self.head.train()
        return err.mean().item()

    def fit(self, train_loader, val_loader):
        for epoch in range(self.cfg.epochs):
            losses = [self.training_step(b) for b in train_loader]
            self.history.append(np.mean(losses))
            print(f"[epoch {epoch}] train_mse={self.history[-1]:.4g} last={losses[-1]:.4g} val_mae={self.validate(val_loader):.4g}")


def main():
    cfg = Config()
    torch.manual_seed(cfg.seed)
    train = DataLoader(SensorWindows(cfg.n_train, cfg, 0), batch_size=cfg.batch_size, shuffle=True)
    val = DataLoader(SensorWindows(cfg.n_val, cfg, 1), batch_size=64)
    Trainer(cfg).fit(train, val)


if __name__ == "__main__":
    main()
