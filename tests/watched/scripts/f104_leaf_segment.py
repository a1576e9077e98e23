"""Binary leaf segmentation, small FCN with SGD and milestones.

[truth]
family = "exploding_gradients"
causes = ["learning_rate_schedule", "learning_rate_too_high"]
step = 120
window = 3
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

CONFIG = dict(batch=16, steps=200, lr=0.15, momentum=0.9, milestones=(120, 170), gamma=10.0, width=12, seed=6)


def leaves(n, gen):
    """Rotated ellipses on a noisy ground."""
    yy, xx = torch.meshgrid(torch.linspace(-1, 1, 20), torch.linspace(-1, 1, 20), indexing="ij")
    c = torch.rand(n, 2, 1, 1, generator=gen) - 0.5
    th = 3.14 * torch.rand(n, 1, 1, generator=gen)
    a = 0.25 + 0.35 * torch.rand(n, 1, 1, generator=gen)
    u = (xx - c[:, 0]) * th.cos() + (yy - c[:, 1]) * th.sin()
    v = -(xx - c[:, 0]) * th.sin() + (yy - c[:, 1]) * th.cos()
    mask = ((u / a) ** 2 + (v / (0.6 * a)) ** 2 < 1).float()
    img = torch.stack([0.3 + 0.1 * mask, 0.3 + 0.4 * mask, 0.25 * torch.ones_like(mask)], 1)
    return img + 0.15 * torch.randn(n, 3, 20, 20, generator=gen), mask


class FCN(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.a = nn.Conv2d(3, w, 3, padding=1)
        self.b = nn.Conv2d(w, w, 3, padding=2, dilation=2)
        self.out = nn.Conv2d(w, 1, 1)

    def forward(self, x):
        x = F.relu(self.a(x))
        x = x + F.relu(self.b(x))
        return self.out(x).squeeze(1)


def dice(p, m):
    p = p > 0
    return (2 * (p & (m > 0)).sum() / (p.sum() + m.sum() + 1)).item()


def train(cfg):
    torch.manual_seed(cfg["seed"])
    gen = torch.Generator().manual_seed(cfg["seed"])
    net = FCN(cfg["width"])
    opt = torch.optim.SGD(net.parameters(), lr=cfg["lr"], momentum=cfg["momentum"])
    sched = torch.optim.lr_scheduler.MultiStepLR(opt, list(cfg["milestones"]), gamma=cfg["gamma"])
    for step in range(cfg["steps"]):
        x, m = leaves(cfg["batch"], gen)
        logit = net(x)
        loss = F.binary_cross_entropy_with_logits(logit, m)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        opt.step()
        sched.step()
        if step % 20 == 0:
            print(step, "lr", sched.get_last_lr()[0], "bce", round(loss.item(), 4), "dice", round(dice(logit, m), 3))


train(CONFIG)
