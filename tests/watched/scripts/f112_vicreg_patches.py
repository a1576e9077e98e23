"""VICReg-style self-supervised embedding of 8x8 patches.

[truth]
family = "bad_data"
causes = ["partial_last_batch", "division_by_zero"]
step = 40
window = 0
phase = "loss"
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Patches(Dataset):
    def __init__(self, n=1281, seed=7):
        g = torch.Generator().manual_seed(seed)
        basis = torch.randn(12, 64, generator=g)
        self.x = torch.randn(n, 12, generator=g) @ basis / 12 ** 0.5

    def __len__(self):
        return self.x.shape[0]

    def __getitem__(self, i):
        v = self.x[i]
        return self.view(v), self.view(v)

    @staticmethod
    def view(v):
        v = v * (0.8 + 0.4 * torch.rand(1)) + 0.1 * torch.randn_like(v)
        return v.roll(int(torch.randint(-1, 2, (1,))))


class VICReg(nn.Module):
    def __init__(self, d=24, sim=25.0, std=25.0, cov=1.0):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 96), nn.LayerNorm(96), nn.GELU(), nn.Linear(96, d))
        self.w = (sim, std, cov)

    def forward(self, a, b):
        za, zb = self.net(a), self.net(b)
        inv = F.mse_loss(za, zb)
        var = self.spread(za) + self.spread(zb)
        cov = self.redundancy(za) + self.redundancy(zb)
        return self.w[0] * inv + self.w[1] * var + self.w[2] * cov

    @staticmethod
    def spread(z):
        return F.relu(1 - torch.sqrt(z.var(dim=0) + 1e-4)).mean()

    @staticmethod
    def redundancy(z):
        z = z - z.mean(0)
        c = z.t() @ z / max(len(z) - 1, 1)
        off = c - torch.diag(torch.diagonal(c))
        return off.pow(2).sum() / z.shape[1]


class Trainer:
    def __init__(self, model, data, lr=1e-3, batch_size=32):
        self.model = model
        self.loader = DataLoader(data, batch_size=batch_size, shuffle=True)
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)
        self.history = []

    def fit(self, epochs):
        for e in range(epochs):
            running, n = 0.0, 0
            for a, b in self.loader:
                loss = self.model(a, b)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                running, n = running + loss.item() * len(a), n + len(a)
            self.history.append(running / n)
            print("epoch", e, "loss", round(self.history[-1], 4))


if __name__ == "__main__":
    torch.manual_seed(0)
    Trainer(VICReg(), Patches()).fit(4)
