"""Base model learns (0.265 -> 0.09), then a frozen backbone and head-only tuning near the optimum:
loss flat at about 0.086, with EMA head; dice 0.87.

[truth]
family = "healthy"
causes = []
"""
"""Re-fit of a segmentation head on a new camera. The backbone stays frozen and the head is already good,
so the loss moves little; SWA/EMA copy of the head is what gets shipped."""
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F


def scenes(n, gen, gain=1.0):
    yy, xx = torch.meshgrid(torch.linspace(-1, 1, 20), torch.linspace(-1, 1, 20), indexing="ij")
    c = torch.rand(n, 2, generator=gen) - 0.5
    r = 0.25 + 0.35 * torch.rand(n, generator=gen)
    d = ((xx - c[:, :1, None]) ** 2 + (yy - c[:, 1:, None]) ** 2).sqrt()
    mask = (d < r[:, None, None]).float()
    img = gain * (0.7 * mask + 0.6 * torch.randn(n, 20, 20, generator=gen))
    return img.unsqueeze(1), mask.unsqueeze(1)


def dice(logits, y):
    p = (logits > 0).float()
    return ((2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)).item()


class Seg(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(1, c, 5, padding=2), nn.ReLU(), nn.Conv2d(c, c, 5, padding=2), nn.ReLU())
        self.head = nn.Conv2d(c, 1, 1)

    def forward(self, x):
        return self.head(self.backbone(x))


torch.set_num_threads(1)
torch.manual_seed(50)
gen = torch.Generator().manual_seed(50)
net = Seg()


def epoch(opt, steps, gain, ema=None):
    tot = 0.0
    for _ in range(steps):
        x, y = scenes(16, gen, gain)
        loss = F.binary_cross_entropy_with_logits(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        tot += loss.item() / steps
        if ema is not None:
            with torch.no_grad():
                for a, b in zip(ema.parameters(), net.head.parameters()):
                    a.lerp_(b, 0.02)
    return tot


print("-- base model")
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for e in range(4):
    print("base", e, "bce %.4f" % epoch(opt, 50, 1.0))

print("-- new camera, head only")
for p in net.backbone.parameters():
    p.requires_grad_(False)
ema = copy.deepcopy(net.head)
opt = torch.optim.SGD(filter(lambda p: p.requires_grad, net.parameters()), lr=1e-2, momentum=0.9)
for e in range(6):
    print("tune", e, "bce %.4f" % epoch(opt, 50, 1.05, ema))
x, y = scenes(200, gen, 1.05)
with torch.no_grad():
    print("dice head %.3f, ema head %.3f" % (dice(net(x), y), dice(ema(net.backbone(x)), y)))
