"""Keypoint regression on drawn blobs, annotations read from a CSV file.

[truth]
family = "bad_data"
causes = ["nonfinite_target"]
step = 37
window = 0
phase = "target"
samples = [377]
"""
import os
import tempfile

import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset, RandomSampler

N, SIZE = 480, 16


def make_annotations(path):
    rng = np.random.default_rng(21)
    df = pd.DataFrame(rng.uniform(3, 12, (N, 4)), columns=["eye_x", "eye_y", "tip_x", "tip_y"])
    df.loc[377, ["tip_x", "tip_y"]] = np.nan
    df.round(3).to_csv(path, index=False)


class Blobs(Dataset):
    def __init__(self, csv):
        self.pts = pd.read_csv(csv).to_numpy(np.float32)
        yy, xx = np.mgrid[:SIZE, :SIZE]
        p = np.nan_to_num(self.pts, nan=-9)
        self.img = np.stack([np.exp(-((xx - p[:, k, None, None]) ** 2 + (yy - p[:, k + 1, None, None]) ** 2) / 4)
                             for k in (0, 2)], 1).astype(np.float32)

    def __len__(self):
        return N

    def __getitem__(self, i):
        return self.img[i], self.pts[i] / SIZE


def build():
    return nn.Sequential(nn.Conv2d(2, 12, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(12 * 64, 48), nn.ReLU(),
                         nn.Linear(48, 4))


with tempfile.TemporaryDirectory() as tmp:
    csv = os.path.join(tmp, "points.csv")
    make_annotations(csv)
    data = Blobs(csv)

torch.manual_seed(13)
model = build()
crit = nn.SmoothL1Loss(beta=0.1)
optimizer = torch.optim.RMSprop(model.parameters(), lr=5e-4)
sampler = RandomSampler(data, generator=torch.Generator().manual_seed(9))
loader = DataLoader(data, batch_size=12, sampler=sampler)

for epoch in range(4):
    seen = []
    for img, pts in loader:
        out = model(img)
        loss = crit(out, pts)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seen.append(loss.item())
    print(f"epoch {epoch + 1}: train {np.mean(seen):.5f} last {seen[-1]:.5f}")
