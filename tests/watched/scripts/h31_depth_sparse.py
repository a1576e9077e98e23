"""Monocular depth from shaded planes; the sensor leaves holes (NaN) in the ground truth.

[truth]
family = "healthy"
causes = []
"""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Planes(Dataset):
    def __init__(self, n=400, s=14, seed=0):
        rng = np.random.default_rng(seed)
        yy, xx = np.mgrid[-1:1:s * 1j, -1:1:s * 1j]
        a, b, c = rng.uniform(-1, 1, (n, 1, 1)), rng.uniform(-1, 1, (n, 1, 1)), rng.uniform(2, 6, (n, 1, 1))
        depth = c + a * xx + b * yy
        img = 1 / depth + 0.01 * rng.standard_normal(depth.shape)
        holes = rng.random(depth.shape) < rng.uniform(0.05, 0.9, (n, 1, 1))
        depth[holes] = np.nan
        self.img, self.depth = img[:, None].astype("f4"), depth[:, None].astype("f4")

    def __len__(self):
        return len(self.img)

    def __getitem__(self, i):
        return torch.from_numpy(self.img[i]), torch.from_numpy(self.depth[i])


class SiLog(nn.Module):
    def __init__(self, lam=0.5):
        super().__init__()
        self.lam = lam

    def forward(self, log_pred, depth):
        ok = torch.isfinite(depth)
        d = log_pred[ok] - depth[ok].log()
        return d.pow(2).mean() - self.lam * d.mean() ** 2


class DepthTrainer:
    def __init__(self, epochs=6):
        torch.manual_seed(0)
        self.epochs = epochs
        self.loader = DataLoader(Planes(), batch_size=16, shuffle=True)
        self.net = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ELU(), nn.Conv2d(16, 16, 3, padding=1), nn.ELU(),
                                 nn.Conv2d(16, 1, 1))
        self.opt = torch.optim.AdamW(self.net.parameters(), lr=3e-3)
        self.loss = SiLog()

    def run(self):
        for e in range(self.epochs):
            vals = []
            for img, depth in self.loader:
                loss = self.loss(self.net(img), depth)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                vals.append(loss.item())
            holes = torch.isnan(depth).float().mean().item()
            print(f"epoch {e} silog {np.mean(vals):.5f} (holes in last batch {holes:.0%})")


DepthTrainer().run()
