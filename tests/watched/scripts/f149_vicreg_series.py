"""Self-supervised (VICReg-like) embedding of sensor windows.

[truth]
family = "bad_data"
causes = ["partial_last_batch"]
step = 16
window = 0
phase = "loss"
"""
import torch
import torch.nn as nn
import torch.nn.functional as F


def windows(n=1025, length=64):
    g = torch.Generator().manual_seed(21)
    t = torch.arange(length).float()
    freq = 0.05 + 0.4 * torch.rand(n, 1, generator=g)
    phase = 6.28 * torch.rand(n, 1, generator=g)
    trend = 0.02 * torch.randn(n, 1, generator=g) * t
    return torch.sin(freq * t + phase) + trend + 0.05 * torch.randn(n, length, generator=g)


def augment(x):
    scale = 0.8 + 0.4 * torch.rand(len(x), 1)
    shift = 0.2 * torch.randn(len(x), 1)
    return x * scale + shift + 0.05 * torch.randn_like(x)


class Encoder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(1, 32, 7, 2, 3), nn.GroupNorm(4, 32), nn.GELU(),
            nn.Conv1d(32, 64, 5, 2, 2), nn.GroupNorm(4, 64), nn.GELU(),
            nn.AdaptiveAvgPool1d(4), nn.Flatten())
        self.proj = nn.Sequential(nn.Linear(256, 128), nn.LayerNorm(128), nn.GELU(), nn.Linear(128, dim))

    def forward(self, x):
        return self.proj(self.conv(x[:, None]))


class VICReg(nn.Module):
    def __init__(self, inv=25.0, var=25.0, cov=1.0):
        super().__init__()
        self.c = (inv, var, cov)

    def variance(self, z):
        std = z.std(dim=0)  # <- culprit
        return F.relu(1.0 - std).mean()

    def covariance(self, z):
        z = z - z.mean(0)
        c = z.T @ z / (len(z) - 1)
        off = c - torch.diag(torch.diagonal(c))
        return off.pow(2).sum() / z.shape[1]

    def forward(self, a, b):
        i, v, c = self.c
        return (i * F.mse_loss(a, b) + v * (self.variance(a) + self.variance(b)) / 2
                + c * (self.covariance(a) + self.covariance(b)))


class Trainer:
    def __init__(self, batch_size=64, lr=5e-4, epochs=8):
        torch.manual_seed(0)
        self.data = windows()
        self.model = Encoder()
        self.loss = VICReg()
        self.opt = torch.optim.AdamW(self.model.parameters(), lr=lr)
        self.bs, self.epochs = batch_size, epochs
        self.history = []

    def run(self):
        for epoch in range(self.epochs):
            order = torch.randperm(len(self.data))
            for start in range(0, len(order), self.bs):
                x = self.data[order[start:start + self.bs]]
                za, zb = self.model(augment(x)), self.model(augment(x))
                loss = self.loss(za, zb)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                self.history.append(loss.item())
            print("epoch", epoch, "last losses", [round(v, 3) for v in self.history[-3:]])


if __name__ == "__main__":
    Trainer().run()
