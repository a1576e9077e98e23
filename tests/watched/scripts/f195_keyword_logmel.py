"""Trains a small 1-D conv net on log-mel features of short spoken-command-like clips.

[truth]
family = "bad_data"
causes = ["nonfinite_input", "log_of_zero"]
step = 56
window = 0
phase = "input"
samples = [1818]
"""
import math

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

SR, N_FFT, HOP, N_MELS = 4000, 256, 128, 24


def mel_filterbank():
    hz2mel = lambda f: 2595 * np.log10(1 + f / 700.0)
    mel2hz = lambda m: 700 * (10 ** (m / 2595.0) - 1)
    pts = mel2hz(np.linspace(hz2mel(20), hz2mel(SR / 2), N_MELS + 2))
    freqs = np.linspace(0, SR / 2, N_FFT // 2 + 1)
    fb = np.zeros((N_MELS, len(freqs)), dtype=np.float32)
    for m in range(N_MELS):
        lo, c, hi = pts[m:m + 3]
        fb[m] = np.maximum(0, np.minimum((freqs - lo) / (c - lo), (hi - freqs) / (hi - c)))
    return fb + 1e-4


FB = mel_filterbank()
WINDOW = np.hanning(N_FFT).astype(np.float32)


def log_mel(wav):
    n = 1 + (len(wav) - N_FFT) // HOP
    frames = np.stack([wav[i * HOP:i * HOP + N_FFT] * WINDOW for i in range(n)])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    return np.log(power @ FB.T).astype(np.float32).T


class Commands(Dataset):
    """Int16 clips, 0.5 s. 6 commands = 6 chirp shapes with speaker variation."""

    def __init__(self, n=3000, seed=5):
        rng = np.random.default_rng(seed)
        self.y = rng.integers(0, 6, n)
        t = np.arange(SR // 2) / SR
        self.pcm = np.zeros((n, SR // 2), dtype=np.int16)
        for i, c in enumerate(self.y):
            f0 = 250 + 120 * c + rng.normal(0, 25)
            sweep = (c % 3 - 1) * 400 + rng.normal(0, 60)
            env = np.exp(-((t - 0.25 + rng.normal(0, 0.03)) / 0.12) ** 2)
            gain = 10 ** rng.uniform(2.0, 4.0)
            x = gain * env * np.sin(2 * math.pi * (f0 * t + sweep * t ** 2)) + rng.normal(0, 8, len(t))
            if np.abs(x).max() < 110:      # squelch of the recorder
                x[:] = 0
            self.pcm[i] = np.clip(x, -32768, 32767)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        feat = log_mel(self.pcm[i].astype(np.float32) / 32768.0)
        feat = (feat - feat.mean()) / (feat.std() + 1e-5)
        return torch.from_numpy(feat), int(self.y[i])


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(N_MELS, 32, 3), nn.BatchNorm1d(32), nn.ReLU(),
            nn.Conv1d(32, 48, 3), nn.BatchNorm1d(48), nn.ReLU(),
            nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(48, 6))

    def forward(self, x):
        return self.net(x)


def evaluate(model, loader):
    model.eval()
    hit = tot = 0
    with torch.no_grad():
        for x, y in loader:
            hit += (model(x).argmax(1) == y).sum().item()
            tot += len(y)
    model.train()
    return hit / tot


if __name__ == "__main__":
    torch.manual_seed(20)
    train_set, val_set = Commands(2600, seed=5), Commands(400, seed=6)
    train_loader = DataLoader(train_set, batch_size=20, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=100)
    model = ConvNet()
    optim = torch.optim.Adagrad(model.parameters(), lr=0.01)
    lossfn = nn.CrossEntropyLoss()
    for epoch in range(1, 6):
        total = 0.0
        for x, y in train_loader:
            loss = lossfn(model(x), y)
            optim.zero_grad()
            loss.backward()
            optim.step()
            total += loss.item() * len(y)
        print(f"epoch {epoch}: train loss {total / len(train_set):.4f}  val acc {evaluate(model, val_loader):.3f}")
