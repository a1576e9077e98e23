"""Trains a head on a frozen backbone, which is unfrozen later.

[truth]
family = "healthy"
causes = []
"""
import torch
from torch import nn

torch.manual_seed(16)


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())

    def forward(self, x):
        return self.layers(x)


class Classifier(nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        return self.head(self.backbone(x))


model = Classifier(Backbone())
for p in model.backbone.parameters():
    p.requires_grad = False
opt = torch.optim.AdamW(model.parameters(), lr=5e-3)
teacher = torch.randn(20, 3)
for step in range(140):
    if step == 70:
        print("unfreezing")
        model.backbone.requires_grad_(True)
        opt = torch.optim.AdamW(model.parameters(), lr=1e-3)
    x = torch.randn(32, 20)
    y = (x @ teacher).argmax(1)
    loss = nn.functional.cross_entropy(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 20 == 0:
        print(f"step {step} loss {loss.item():.4f}")
