"""Monitors a bearing: windows of a vibration signal are normalised inside the network.

[truth]
family = "unstable_loss"
causes = ["argument_out_of_domain"]
step = 29
window = 0
phase = "forward"
"""
import torch
from torch import nn


class WindowNorm(nn.Module):
    """Zero mean and unit spread per window, one pass over the samples."""

    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        mean_sq = (x * x).mean(-1, keepdim=True)
        std = torch.sqrt(mean_sq - mean * mean)  # <- culprit
        return (x - mean) / (std + 1e-3)


class Monitor(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = WindowNorm()
        self.features = nn.Sequential(nn.Conv1d(1, 8, 5), nn.ReLU(), nn.AdaptiveAvgPool1d(4))
        self.classify = nn.Linear(32, 2)

    def forward(self, x):
        x = self.norm(x).unsqueeze(1)
        return self.classify(self.features(x).flatten(1))


def sample(batch, machine_on):
    t = torch.arange(64) / 64.0
    freq = torch.randint(2, 5, (batch, 1)).float()
    faulty = torch.randint(0, 2, (batch,))
    wave = torch.sin(6.28 * freq * t) + faulty[:, None] * 0.5 * torch.randn(batch, 64)
    amplitude = 1.0 if machine_on else 1e-3
    return 40.0 + amplitude * wave, faulty  # 40 g offset of the sensor


if __name__ == "__main__":
    torch.manual_seed(15)
    model = Monitor()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(100):
        x, y = sample(16, machine_on=step % 30 != 29)
        loss = nn.functional.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if (step + 1) % 20 == 0:
            print(f"{step + 1:4d}  {loss.item():.4f}")
