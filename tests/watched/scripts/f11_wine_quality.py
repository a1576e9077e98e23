"""Regresses wine quality from eleven lab values with plain SGD.

[truth]
family = "bad_data"
causes = ["outlier_batch"]
step = 21
window = 1
samples = [390]
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def lab_values(n=512):
    g = torch.Generator().manual_seed(14)
    x = torch.randn(n, 11, generator=g)
    w = torch.randn(11, generator=g) / 4
    y = torch.tanh(x @ w) + 0.1 * torch.randn(n, generator=g)
    x[390, 5] = 12000.0  # mg instead of g
    return x, y.unsqueeze(1)


class Trainer:
    def __init__(self, model, loader, lr):
        self.model, self.loader = model, loader
        self.opt = torch.optim.SGD(model.parameters(), lr=lr)
        self.loss = nn.MSELoss()
        self.seen = 0

    def fit(self, epochs):
        for e in range(epochs):
            for x, y in self.loader:
                self.opt.zero_grad()
                value = self.loss(self.model(x), y)  # <- culprit
                value.backward()
                self.opt.step()
                self.seen += 1
                if self.seen % 8 == 0:
                    print("epoch", e, "batch", self.seen, "mse", round(value.item(), 4))


torch.manual_seed(2)
x, y = lab_values()
net = nn.Sequential(nn.Linear(11, 24), nn.ReLU(), nn.Linear(24, 1))
Trainer(net, DataLoader(TensorDataset(x, y), 16, shuffle=True), lr=0.05).fit(epochs=4)
