"""Loss and gradient flat and healthy until step 12, NaN at step 13.

[truth]
family = "bad_data"
causes = ["nonfinite_input", "nonfinite_input_or_target"]
step = 13
among = [606, 607, 608, 609, 610, 611]
"""
"""Convolutional auto-encoder for condition monitoring (gear box vibration)."""
import math
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader


def record(n_sec=240, fs=512, seed=0):
    g = torch.Generator().manual_seed(seed)
    t = torch.arange(n_sec * fs) / fs
    rpm = 24 + 2 * torch.sin(2 * math.pi * t / 60)
    phase = torch.cumsum(rpm / fs, 0) * 2 * math.pi
    x = torch.sin(phase) + 0.4 * torch.sin(3 * phase + 0.3) + 0.15 * torch.sin(17 * phase)
    amp = 0.5 + torch.rand(n_sec, generator=g).repeat_interleave(fs)
    x = amp * x + 0.1 * torch.randn(len(t), generator=g)
    # the data logger lost the radio link for some seconds and wrote zeros
    lost = int(151.3 * fs)
    x[lost:lost + int(2.0 * fs)] = 0.0
    return x


class Windows(Dataset):
    def __init__(self, signal, size=256, hop=128):
        self.frames = signal.unfold(0, size, hop)

    def __len__(self):
        return self.frames.shape[0]

    def __getitem__(self, i):
        w = self.frames[i]
        w = (w - w.mean()) / w.std()          # loudness differs between the runs
        return w.unsqueeze(0)


class AutoEncoder(nn.Module):
    def __init__(self, c=12, z=16):
        super().__init__()
        self.enc = nn.Sequential(
            nn.Conv1d(1, c, 9, stride=4, padding=4), nn.LeakyReLU(0.1),
            nn.Conv1d(c, 2 * c, 9, stride=4, padding=4), nn.LeakyReLU(0.1), nn.Flatten(),
            nn.Linear(2 * c * 16, z))
        self.dec = nn.Sequential(
            nn.Linear(z, 2 * c * 16), nn.LeakyReLU(0.1), nn.Unflatten(1, (2 * c, 16)),
            nn.ConvTranspose1d(2 * c, c, 8, stride=4, padding=2), nn.LeakyReLU(0.1),
            nn.ConvTranspose1d(c, 1, 8, stride=4, padding=2))

    def forward(self, x):
        return self.dec(self.enc(x))


def run(epochs=6, batch=8, lr=2e-3):
    torch.manual_seed(1234)
    torch.set_num_threads(1)
    loader = DataLoader(Windows(record()), batch_size=batch, shuffle=True, drop_last=True)
    ae = AutoEncoder()
    opt = torch.optim.AdamW(ae.parameters(), lr=lr)
    step = 0
    for ep in range(epochs):
        mean = 0.0
        for x in loader:
            loss = nn.functional.mse_loss(ae(x), x)
            opt.zero_grad()
            loss.backward()
            opt.step()
            mean += loss.item() / len(loader)
            step += 1
        print(f"epoch {ep + 1}/{epochs}   reconstruction {mean:.4f}   ({step} steps)")


if __name__ == "__main__":
    run()
