"""Fits insurance claims whose loss has spikes, under gradient clipping.

[truth]
family = "healthy"
causes = []
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def claims(n=1500):
    g = torch.Generator().manual_seed(12)
    x = torch.randn(n, 5, generator=g)
    y = 0.6 * x[:, 0] + 0.1 * torch.randn(n, generator=g)
    large = torch.rand(n, generator=g) < 0.01
    y[large] += 12 * torch.rand(int(large.sum()), generator=g)
    return TensorDataset(x, y)


class Trainer:
    def __init__(self, model, lr, clip):
        self.model, self.clip = model, clip
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)

    def epoch(self, loader):
        worst = total = 0.0
        for x, y in loader:
            loss = nn.functional.mse_loss(self.model(x).squeeze(1), y)
            self.opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
            self.opt.step()
            worst = max(worst, loss.item())
            total += loss.item()
        return total / len(loader), worst


if __name__ == "__main__":
    torch.manual_seed(12)
    net = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1))
    trainer = Trainer(net, lr=2e-3, clip=1.0)
    for e in range(3):
        mean, worst = trainer.epoch(DataLoader(claims(), batch_size=32, shuffle=True))
        print(f"epoch {e}: mean {mean:.4f} worst batch {worst:.2f}")
