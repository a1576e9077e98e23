"""Warm restarts (lr back to 0.3 at steps 60, 180, 420): loss jumps after them; test accuracy 0.96.

[truth]
family = "healthy"
causes = []
"""
"""SGDR (warm restarts) on synthetic textures; the loss jumps at every restart, as it should."""
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader

torch.set_num_threads(1)


class Textures(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        yy, xx = torch.meshgrid(torch.arange(16.), torch.arange(16.), indexing="ij")
        self.y = torch.randint(0, 6, (n,), generator=g)
        ang = self.y * torch.pi / 6 + 0.12 * torch.randn(n, generator=g)
        ph = torch.rand(n, generator=g) * 6.28
        fr = 0.8 + 0.4 * torch.rand(n, generator=g)
        w = fr[:, None, None] * (torch.cos(ang)[:, None, None] * xx + torch.sin(ang)[:, None, None] * yy)
        self.x = (torch.sin(w + ph[:, None, None]) + 0.8 * torch.randn(n, 16, 16, generator=g)).unsqueeze(1)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def conv(i, o, s):
    return nn.Sequential(nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


torch.manual_seed(10)
net = nn.Sequential(conv(1, 12, 1), conv(12, 24, 2), conv(24, 24, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 6))
train, test = DataLoader(Textures(1500, 0), 50, shuffle=True), DataLoader(Textures(500, 1), 250)
opt = torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.9, weight_decay=5e-4, nesterov=True)
sched = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=60, T_mult=2, eta_min=1e-4)
for epoch in range(14):
    net.train()
    tot = 0
    for x, y in train:
        loss = nn.functional.cross_entropy(net(x), y)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        sched.step()
        tot += loss.item() / len(train)
    net.eval()
    with torch.no_grad():
        acc = sum((net(x).argmax(1) == y).sum().item() for x, y in test) / 500
    print(f"epoch {epoch:2d} lr {opt.param_groups[0]['lr']:.4f} loss {tot:.4f} test acc {acc:.3f}")
