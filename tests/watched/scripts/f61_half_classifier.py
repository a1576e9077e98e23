"""Trains a classifier whose weights were converted with model.half().

[truth]
family = "unstable_loss"
causes = ["half_precision_optimizer"]
step = 1
window = 1
phase = "optimizer"
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(31)
X = torch.randn(512, 20)
y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).long()

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
model = model.half()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(3):
    for i, (xb, yb) in enumerate(DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)):
        logits = model(xb.half())
        loss = loss_fn(logits.float(), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if i % 8 == 0:
            acc = (logits.argmax(1) == yb).float().mean().item()
            print(f"epoch {epoch} batch {i}: loss {loss.item():.4f} acc {acc:.2f}")
