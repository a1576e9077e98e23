"""Fits ratios of spectral lines; bins without a reference are left out of the loss.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient", "division_by_zero"]
step = 44
window = 0
phase = "backward"
"""
import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(13)
torch.manual_seed(13)


class LineModel(nn.Module):
    def __init__(self, bins=20):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(4, 30), nn.Softplus(), nn.Linear(30, bins))

    def forward(self, conditions):
        return nn.functional.softplus(self.fc(conditions))


def measurement(n=24, bins=20):
    cond = rng.normal(size=(n, 4)).astype(np.float32)
    grid = np.linspace(-1, 1, bins, dtype=np.float32)
    flux = np.exp(-4 * (grid[None] - 0.3 * cond[:, :1]) ** 2) + 0.2
    ref = np.ones((n, bins), dtype=np.float32)
    return torch.from_numpy(cond), torch.from_numpy(flux), torch.from_numpy(ref)


model = LineModel()
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(110):
    cond, flux, ref = measurement()
    if step % 45 == 44:
        ref[:, 5:7] = 0.0  # no lamp lines in this part of the spectrum
    usable = ref > 0
    ratio = model(cond) / ref  # <- culprit
    err = (ratio - flux)[usable].pow(2).mean()
    opt.zero_grad()
    err.backward()
    opt.step()
    if step % 10 == 0:
        print("step", step, "err", round(err.item(), 5))
