"""NaN in the data, masked properly.

[truth]
family = "healthy"
causes = []
"""
import torch, numpy as np
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader

torch.set_num_threads(1)


class Vitals(Dataset):
    """ICU style series; unobserved entries are NaN."""
    def __init__(self, n=1200, T=36, seed=0):
        r = np.random.default_rng(seed)
        t = np.arange(T)
        ph, f = r.uniform(0, 6.28, (n, 3, 1)), r.uniform(0.1, 0.4, (n, 3, 1))
        x = np.sin(f * t + ph) + 0.5 * np.cos(0.5 * f * t) + 0.05 * r.normal(size=(n, 3, T))
        x = x * np.array([12, 8, 0.6])[:, None] + np.array([80, 120, 37])[:, None]
        x[r.random((n, 3, T)) < 0.35] = np.nan
        x[:40, 2] = np.nan
        self.x = torch.tensor(x, dtype=torch.float32).transpose(1, 2)

    def __len__(self): return len(self.x)
    def __getitem__(self, i): return self.x[i]


class GRUD(nn.Module):
    def __init__(self, c=3, h=48):
        super().__init__()
        self.rnn = nn.GRU(2 * c, h, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * h, c)

    def forward(self, x, m):
        h, _ = self.rnn(torch.cat([x * m, m], -1))
        return self.out(h)


if __name__ == "__main__":
    torch.manual_seed(0)
    ds = Vitals()
    mean = torch.tensor(np.nanmean(ds.x.numpy(), (0, 1)))
    std = torch.tensor(np.nanstd(ds.x.numpy(), (0, 1)))
    net = GRUD()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    for ep in range(12):
        tot = 0
        for x in DataLoader(ds, 48, shuffle=True):
            x = (x - mean) / std
            seen = ~torch.isnan(x)
            x = torch.where(seen, x, torch.zeros_like(x))
            hide = seen & (torch.rand_like(x) < 0.2)
            pred = net(x, (seen & ~hide).float())
            loss = ((pred - x) ** 2 * hide).sum() / hide.sum().clamp(min=1)
            opt.zero_grad(); loss.backward(); opt.step()
            tot += loss.item()
        print("epoch", ep, "masked mse", tot / 25)
