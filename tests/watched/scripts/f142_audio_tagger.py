"""Tone/noise tagging of short audio clips from log-mel features.

[truth]
family = "unstable_loss"
causes = ["log_of_zero"]
step = 20
window = 0
phase = "forward"
"""
import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    sr: int = 8000
    n_samples: int = 4096
    n_fft: int = 256
    hop: int = 128
    n_mels: int = 24
    batch: int = 24
    epochs: int = 5
    lr: float = 1e-3
    seed: int = 11


class Clips(Dataset):
    def __init__(self, cfg, n=720, n_class=6):
        g = torch.Generator().manual_seed(cfg.seed)
        t = torch.arange(cfg.n_samples) / cfg.sr
        self.y = torch.randint(0, n_class, (n,), generator=g)
        base = torch.tensor([220.0, 350.0, 560.0, 900.0, 1440.0, 2300.0])[self.y]
        jitter = 1 + 0.1 * torch.randn(n, generator=g)
        phase = 2 * math.pi * torch.rand(n, generator=g)
        amp = 0.1 + 0.9 * torch.rand(n, generator=g)
        self.x = amp[:, None] * torch.sin(2 * math.pi * (base * jitter)[:, None] * t + phase[:, None])
        self.x += 0.2 * torch.randn(n, cfg.n_samples, generator=g)
        self.x = (self.x * 8192).round().clamp(-32768, 32767) / 32768
        muted = torch.tensor([703])
        self.x[muted] = 0.0

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class LogMel(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.register_buffer("window", torch.hann_window(cfg.n_fft))
        freqs = torch.linspace(0, cfg.sr / 2, cfg.n_fft // 2 + 1)
        mel = 2595 * torch.log10(1 + freqs / 700)
        edges = torch.linspace(0, float(mel[-1]), cfg.n_mels + 2)
        up = (mel[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
        down = (edges[2:, None] - mel[None]) / (edges[2:] - edges[1:-1])[:, None]
        fb = torch.minimum(up, down).clamp(min=0) + 1e-3
        self.register_buffer("fb", fb)

    def forward(self, wav):
        s = torch.stft(wav, self.cfg.n_fft, self.cfg.hop, window=self.window, return_complex=True)
        mel = torch.einsum("mf,bft->bmt", self.fb, s.abs() ** 2)
        return torch.log(mel)  # <- culprit


class Tagger(nn.Module):
    def __init__(self, cfg, n_class=6):
        super().__init__()
        self.front = LogMel(cfg)
        self.conv = nn.Sequential(
            nn.Conv1d(cfg.n_mels, 48, 3, padding=1), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(48, 48, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool1d(1))
        self.head = nn.Linear(48, n_class)

    def forward(self, wav):
        return self.head(self.conv(self.front(wav)).squeeze(-1))


def main():
    cfg = Config()
    torch.manual_seed(cfg.seed)
    loader = DataLoader(Clips(cfg), batch_size=cfg.batch, shuffle=True)
    model = Tagger(cfg)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=1e-3)
    step = 0
    for epoch in range(cfg.epochs):
        for wav, y in loader:
            loss = F.cross_entropy(model(wav), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            if step % 10 == 0:
                print(f"epoch {epoch} step {step} loss {loss.item():.4f}")
            step += 1


if __name__ == "__main__":
    main()
