"""Sorts parts into good and defective ones with sigmoid and BCELoss.

[truth]
family = "unstable_loss"
causes = ["saturated_probabilities", "poor_initialization"]
step = 0
window = 10
"""
import torch
from torch import nn


class Detector(nn.Module):
    def __init__(self, features=24):
        super().__init__()
        self.hidden = nn.Linear(features, 64)
        self.more = nn.Linear(64, 64)
        self.score = nn.Linear(64, 1)
        for p in self.parameters():
            nn.init.normal_(p, std=3.0)

    def forward(self, x):
        return torch.sigmoid(self.score(torch.relu(self.more(torch.relu(self.hidden(x))))))


torch.manual_seed(10)
x = torch.randn(400, 24)
y = (x[:, :3].sum(1, keepdim=True) > 0).float()
detector = Detector()
criterion = nn.BCELoss()
optimizer = torch.optim.SGD(detector.parameters(), lr=0.01)

for epoch in range(12):
    perm = torch.randperm(len(x))
    for i in range(0, len(x), 40):
        rows = perm[i : i + 40]
        prob = detector(x[rows])
        loss = criterion(prob, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    hits = ((prob > 0.5) == y[rows]).float().mean().item()
    print(f"epoch {epoch:2d}: loss {loss.item():.3f} accuracy {hits:.2f}")
