"""Classifies digits-like patterns, gradients accumulated over four micro-batches.

[truth]
family = "healthy"
causes = []
"""
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--accumulate", type=int, default=4)
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()

torch.manual_seed(7)
proto = torch.randn(10, 64)
label = torch.randint(0, 10, (1600,))
data = TensorDataset(proto[label] + 0.8 * torch.randn(1600, 64), label)
model = nn.Sequential(nn.Linear(64, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 10))
opt = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, weight_decay=1e-4)
sched = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=25)

opt.zero_grad()
updates, running = 0, 0.0
for epoch in range(3):
    for i, (x, y) in enumerate(DataLoader(data, batch_size=8, shuffle=True)):
        loss = nn.functional.cross_entropy(model(x), y) / args.accumulate
        loss.backward()
        running += loss.item()
        if (i + 1) % args.accumulate == 0:
            opt.step()
            sched.step()
            opt.zero_grad()
            updates += 1
            if updates % 25 == 0:
                print(f"update {updates} loss {running / 25:.4f}")
                running = 0.0
