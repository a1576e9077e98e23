"""Convnet on synthetic glyphs, SGD with warm restarts and a deliberately high peak rate.

[truth]
family = "healthy"
causes = []
"""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(6)
proto = (torch.rand(8, 1, 12, 12) < 0.3).float()
lab = torch.randint(0, 8, (1600,))
img = proto[lab] + 0.7 * torch.randn(1600, 1, 12, 12)
loader = DataLoader(TensorDataset(img, lab), batch_size=32, shuffle=True)

model = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
                      nn.Conv2d(12, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
                      nn.Flatten(), nn.Linear(216, 8))
opt = torch.optim.SGD(model.parameters(), lr=0.12, momentum=0.9, weight_decay=1e-4)
sched = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=100, T_mult=1, eta_min=1e-4)

step = 0
for epoch in range(8):
    for x, y in loader:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y, label_smoothing=0.05)
        loss.backward()
        opt.step()
        sched.step()
        if step % 20 == 0:
            print(f"{step:4d} lr={sched.get_last_lr()[0]:.4f} loss={loss.item():.4f}")
        step += 1
