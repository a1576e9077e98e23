"""Learns from vegetation indices; undefined ratios are replaced with nan_to_num.

[truth]
family = "healthy"
causes = []
"""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Fields(Dataset):
    def __init__(self, n=360):
        rng = np.random.default_rng(14)
        self.red = rng.uniform(0, 1, (n, 12)).astype(np.float32)
        self.nir = rng.uniform(0, 1, (n, 12)).astype(np.float32)
        clouded = rng.random((n, 12)) < 0.1
        self.red[clouded] = 0.0
        self.nir[clouded] = 0.0
        with np.errstate(invalid="ignore"):
            index = (self.nir - self.red) / (self.nir + self.red)
        self.index = torch.from_numpy(index)
        self.crop = (torch.nan_to_num(self.index).mean(1) > 0).long()

    def __len__(self):
        return len(self.crop)

    def __getitem__(self, i):
        return self.index[i], self.crop[i]


def main():
    torch.manual_seed(14)
    net = nn.Sequential(nn.Linear(12, 32), nn.GELU(), nn.Linear(32, 2))
    opt = torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.9)
    for epoch in range(6):
        for index, crop in DataLoader(Fields(), batch_size=18, shuffle=True):
            logits = net(torch.nan_to_num(index, nan=0.0))
            loss = nn.functional.cross_entropy(logits, crop)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print("epoch", epoch, "loss", round(loss.item(), 4))


if __name__ == "__main__":
    main()
