"""Estimates ages from face features with batch normalisation in the head.

[truth]
family = "bad_data"
causes = ["partial_last_batch"]
step = 16
window = 0
phase = "crash"
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class AgeNet(nn.Module):
    def __init__(self, dropout=0.1):
        super().__init__()
        self.stem = nn.Linear(30, 40)
        self.bn = nn.BatchNorm1d(40)
        self.drop = nn.Dropout(dropout)
        self.age = nn.Linear(40, 1)

    def forward(self, f):
        h = self.bn(self.stem(f))  # <- culprit
        return self.age(self.drop(torch.relu(h))).squeeze(1)


def faces(n=257):
    f = torch.randn(n, 30)
    age = 40 + 10 * f[:, 0] - 6 * f[:, 7].abs()
    return f, (age - 40) / 20


def train_epoch(model, loader, opt):
    model.train()
    total = 0.0
    for f, age in loader:
        loss = (model(f) - age).abs().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    return total / len(loader)


torch.manual_seed(19)
model = AgeNet()
opt = torch.optim.AdamW(model.parameters(), lr=4e-3)
loader = DataLoader(TensorDataset(*faces()), batch_size=16, shuffle=True)
for epoch in range(5):
    print("epoch", epoch, "mae", 20 * train_epoch(model, loader, opt))
