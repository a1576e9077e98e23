"""Detects card fraud; the binary cross entropy is written from the formula.

[truth]
family = "unstable_loss"
causes = ["saturated_probabilities", "log_of_zero"]
step = 60
window = 0
phase = "loss"
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(6, 24)
        self.l2 = nn.Linear(24, 1)

    def forward(self, x):
        return torch.sigmoid(self.l2(torch.relu(self.l1(x)))).squeeze(1)


def bce(p, y):
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()  # <- culprit


def build(n=1000):
    fraud = (torch.rand(n) < 0.1).float()
    x = torch.randn(n, 6)
    x[:, 0] += 6 * fraud
    x[:, 1] *= 1 + 3 * fraud
    return x, fraud


def fit():
    torch.manual_seed(35)
    x, fraud = build()
    weights = torch.where(fraud > 0, 9.0, 1.0)
    sampler = WeightedRandomSampler(weights, len(weights))
    loader = DataLoader(TensorDataset(x, fraud), batch_size=40, sampler=sampler)
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    step = 0
    for epoch in range(5):
        for xb, yb in loader:
            p = net(xb)
            loss = bce(p, yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 20 == 0:
                print(f"{step} bce={loss.item():.5f} mean p={p.mean().item():.3f}")
            step += 1


fit()
