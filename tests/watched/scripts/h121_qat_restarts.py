"""Cosine warm restarts with quantisation-aware layers: loss rises at each restart.

[truth]
family = "healthy"
causes = []
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts


class Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, g):
        return g


class LSQ(nn.Module):
    """Learned step size quantiser."""

    def __init__(self, bits):
        super().__init__()
        self.lo, self.hi = -2 ** (bits - 1), 2 ** (bits - 1) - 1
        self.step = nn.Parameter(torch.tensor(0.0))
        self.ready = False

    def forward(self, x):
        if not self.ready:
            self.step.data.fill_(2 * x.detach().abs().mean().item() / self.hi ** 0.5)
            self.ready = True
        k = 1.0 / (x.numel() * self.hi) ** 0.5
        s = (self.step * k + (self.step - self.step * k).detach()).abs() + 1e-6
        return Round.apply((x / s).clamp(self.lo, self.hi)) * s


class QLayer(nn.Module):
    def __init__(self, i, o, bits=6):
        super().__init__()
        self.lin = nn.Linear(i, o)
        self.qw, self.qx = LSQ(bits), LSQ(bits)

    def forward(self, x):
        return F.linear(self.qx(x), self.qw(self.lin.weight), self.lin.bias)


def rings(n):
    x = torch.rand(n, 2) * 3 - 1.5
    y = ((2 * x.norm(dim=1)).floor() % 2).long()
    return x, y


torch.set_num_threads(1)
torch.manual_seed(1)
X, Y = rings(4000)
Xv, Yv = rings(1000)
model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), QLayer(64, 64), nn.ReLU(), QLayer(64, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = CosineAnnealingWarmRestarts(optimizer, T_0=8, T_mult=1, eta_min=1e-4)
for epoch in range(32):
    total = 0
    for k, b in enumerate(torch.randperm(len(X)).split(50)):
        loss = F.cross_entropy(model(X[b]), Y[b])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        scheduler.step(epoch + k / 80)
        total += loss.item()
    with torch.no_grad():
        acc = (model(Xv).argmax(1) == Yv).float().mean().item()
    print(f"epoch {epoch} loss {total / 80:.4f} acc {acc:.3f} lr {optimizer.param_groups[0]['lr']:.4f}")
