"""Trains a small U-Net to downscale sea-surface fields from memory-mapped shards.

[truth]
family = "bad_data"
causes = ["outlier_batch", "recurring_bad_batch", "unscaled_features"]
step = 19
phase = "loss"
among = [497, 498]
"""
import os
import tempfile

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

FILL = np.float32(9.96921e36)  # netCDF default for float


# ----------------------------------------------------------------------------
# export step (normally done once on the cluster)
# ----------------------------------------------------------------------------
def simulate_day(rng, size=32):
    yy, xx = np.mgrid[0:size, 0:size] / size
    field = 14 + 4 * np.sin(2 * np.pi * (yy + rng.random()))
    for _ in range(4):
        cx, cy, r = rng.random(3)
        field += 2.5 * rng.normal() * np.exp(-((xx - cx) ** 2 + (yy - cy) ** 2) / (0.01 + 0.05 * r))
    return field.astype(np.float32)


def export_shards(root, n_shards=8, per_shard=96):
    rng = np.random.default_rng(2024)
    for s in range(n_shards):
        days = np.stack([simulate_day(rng) for _ in range(per_shard)])
        if s == 5:
            for d in (17, 18):
                days[d, 8:20, 4:14] = FILL
        days.tofile(os.path.join(root, f"sst_{s:03d}.f32"))


# ----------------------------------------------------------------------------
class SSTShards(Dataset):
    def __init__(self, root, shards, per_shard=96, size=32):
        names = [f"sst_{s:03d}.f32" for s in shards]
        self.maps = [np.memmap(os.path.join(root, f), np.float32, "r", shape=(per_shard, size, size)) for f in names]
        self.per = per_shard
        self.mean, self.std = 14.0, 3.5

    def __len__(self):
        return len(self.maps) * self.per

    def __getitem__(self, i):
        day = torch.from_numpy(np.array(self.maps[i // self.per][i % self.per]))
        hi = ((day - self.mean) / self.std).unsqueeze(0)
        lo = F.avg_pool2d(hi, 4)
        return lo, hi


class UNetSR(nn.Module):
    def __init__(self, c=16):
        super().__init__()
        self.inp = nn.Conv2d(1, c, 3, padding=1)
        self.down = nn.Conv2d(c, 2 * c, 3, stride=2, padding=1)
        self.mid = nn.Conv2d(2 * c, 2 * c, 3, padding=1)
        self.up = nn.ConvTranspose2d(2 * c, c, 2, stride=2)
        self.out = nn.Conv2d(2 * c, 1, 3, padding=1)

    def forward(self, lo):
        x = F.interpolate(lo, scale_factor=4, mode="bilinear", align_corners=False)
        a = F.relu(self.inp(x))
        b = F.relu(self.mid(F.relu(self.down(a))))
        return x + self.out(torch.cat([a, self.up(b)], 1))


def train(root):
    torch.manual_seed(0)
    loader = DataLoader(SSTShards(root, range(7)), batch_size=16, shuffle=True)
    vloader = DataLoader(SSTShards(root, [7]), batch_size=32)
    net = UNetSR()
    opt = torch.optim.RMSprop(net.parameters(), lr=5e-4)
    for epoch in range(4):
        net.train()
        for n, (lo, hi) in enumerate(loader):
            loss = F.mse_loss(net(lo), hi)
            opt.zero_grad()
            loss.backward()
            opt.step()
            if n % 6 == 0:
                print(f"epoch {epoch} batch {n:02d} mse {loss.item():.5f}")
        net.eval()
        with torch.no_grad():
            v = np.mean([F.mse_loss(net(lo), hi).item() for lo, hi in vloader])
        print(f"epoch {epoch} validation rmse {3.5 * v ** 0.5:.3f} K")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as root:
        export_shards(root)
        train(root)
