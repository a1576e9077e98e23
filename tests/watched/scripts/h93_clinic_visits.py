"""Trains a multi-task predictor of laboratory values from a stream of clinic visits with missing entries.

[truth]
family = "healthy"
causes = []
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset


class Visits(IterableDataset):
    def __init__(self, n, seed):
        self.n, self.seed = n, seed

    def __iter__(self):
        g = torch.Generator().manual_seed(self.seed)
        w = torch.randn(12, 3, generator=torch.Generator().manual_seed(1)) / 2
        for i in range(self.n):
            x = torch.randn(12, generator=g)
            y = x @ w + 0.1 * torch.randn(3, generator=g)
            x[torch.rand(12, generator=g) < 0.05] = float("nan")
            y[torch.rand(3, generator=g) < 0.5] = float("nan")
            if 160 <= i % 960 < 176:
                y[:] = float("nan")
            yield x, y


def masked_mse(pred, y):
    known = ~torch.isnan(y)
    err = (pred - torch.nan_to_num(y)) ** 2 * known
    return err.sum() / known.sum()


def loop(model, opt, stream):
    skipped = 0
    for i, (x, y) in enumerate(stream):
        seen = ~torch.isnan(x)
        pred = model(torch.cat([torch.nan_to_num(x), seen.float()], 1))
        loss = masked_mse(pred, y)
        if not torch.isfinite(loss):
            skipped += 1
            continue
        opt.zero_grad()
        loss.backward()
        opt.step()
        if i % 50 == 0:
            print(f"batch {i} loss {loss.item():.4f} skipped {skipped}")


if __name__ == "__main__":
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 3))
    opt = torch.optim.Adam(model.parameters(), lr=4e-3)
    for seed in (1, 2):
        loop(model, opt, DataLoader(Visits(4800, seed), batch_size=16))
