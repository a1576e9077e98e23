"""Patch classifier pulled towards a bank of running class prototypes.

[truth]
family = "corrupted_state"
causes = ["poisoned_buffers", "division_by_zero"]
step = 90
window = 1
phase = "state"
"""
import torch
from torch import nn
import torch.nn.functional as F

CLASSES = 6


class ProtoNet(nn.Module):
    def __init__(self, dim=16, momentum=0.9):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 24, 3, 2, 1), nn.ReLU(),
                                      nn.Flatten(), nn.Linear(24 * 9, dim))
        self.cls = nn.Linear(dim, CLASSES)
        self.momentum = momentum
        self.register_buffer("bank", torch.zeros(CLASSES, dim))

    def forward(self, x):
        z = self.features(x)
        return z, self.cls(z)

    @torch.no_grad()
    def remember(self, z, y):
        onehot = F.one_hot(y, CLASSES).float()
        centres = onehot.t() @ z / onehot.sum(0).unsqueeze(1)  # <- culprit
        self.bank.mul_(self.momentum).add_(centres, alpha=1 - self.momentum)


def stream(steps, batch, seed):
    g = torch.Generator().manual_seed(seed)
    proto = torch.randn(CLASSES, 1, 12, 12, generator=g)
    for t in range(steps):
        y = torch.arange(batch) % CLASSES
        if t >= 90 and t % 3 == 0:  # hard mining: only the confusable half
            y = torch.arange(batch) % (CLASSES // 2)
        yield proto[y] + 1.2 * torch.randn(batch, 1, 12, 12, generator=g), y


def main():
    torch.manual_seed(4)
    net = ProtoNet()
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    rows = []
    for t, (x, y) in enumerate(stream(200, 24, seed=8)):
        z, logits = net(x)
        loss = F.cross_entropy(logits, y) + 0.05 * (z - net.bank[y]).pow(2).mean()
        net.remember(z, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        rows.append((t, loss.item(), (logits.argmax(1) == y).float().mean().item()))
        if t % 20 == 19:
            print("%d,%.5f,%.3f" % rows[-1])


if __name__ == "__main__":
    main()
