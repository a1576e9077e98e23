"""Trains a small U-Net to segment synthetic blobs, with an EMA copy of the weights for evaluation.

[truth]
family = "corrupted_state"
causes = ["corrupted_weights"]
step = 100
window = 1
"""
import copy

import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)
torch.set_num_threads(1)


def blobs(n, size=32, seed=0):
    g = torch.Generator().manual_seed(seed)
    yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    img, msk = torch.zeros(n, 1, size, size), torch.zeros(n, 1, size, size)
    for i in range(n):
        for _ in range(int(torch.randint(1, 4, (1,), generator=g))):
            cx, cy, r = (torch.rand(3, generator=g) * torch.tensor([size, size, 5.0]) + torch.tensor([0, 0, 2.5])).tolist()
            inside = ((xx - cx) ** 2 + (yy - cy) ** 2) < r * r
            msk[i, 0][inside] = 1.0
            img[i, 0][inside] += 0.8
    return img + 0.35 * torch.randn(img.shape, generator=g), msk


def cbr(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.GroupNorm(4, o), nn.SiLU())


class UNet(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.d1, self.d2, self.mid = cbr(1, c), cbr(c, 2 * c), cbr(2 * c, 2 * c)
        self.u1 = cbr(4 * c, c)
        self.u2 = cbr(2 * c, c)
        self.out = nn.Conv2d(c, 1, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        m = self.mid(F.max_pool2d(b, 2))
        x = self.u1(torch.cat([F.interpolate(m, scale_factor=2.0), b], 1))
        return self.out(self.u2(torch.cat([F.interpolate(x, scale_factor=2.0), a], 1)))


class EMA:
    def __init__(self, model, decay):
        self.decay = decay
        self.shadow = copy.deepcopy(model.state_dict())
        self.saved = None

    @torch.no_grad()
    def update(self, model):
        for k, v in model.state_dict().items():
            self.shadow[k].lerp_(v, 1 - self.decay)

    def swap_in(self, model):
        self.saved = model.state_dict()
        model.load_state_dict(self.shadow)

    def swap_out(self, model):
        model.load_state_dict(self.saved)
        self.saved = None


def loss_fn(logit, y):
    p = torch.sigmoid(logit)
    dice = 1 - (2 * (p * y).sum((1, 2, 3)) + 1) / (p.sum((1, 2, 3)) + y.sum((1, 2, 3)) + 1)
    return F.binary_cross_entropy_with_logits(logit, y) + dice.mean()


def iou(model, x, y):
    with torch.no_grad():
        p = model(x) > 0
    return ((p & (y > 0)).sum() / ((p | (y > 0)).sum() + 1e-6)).item()


xtr, ytr = blobs(600, seed=1)
xva, yva = blobs(80, seed=2)
net = UNet()
ema = EMA(net, decay=0.9995)
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-4)

for it in range(400):
    j = torch.randint(0, len(xtr), (12,))
    loss = loss_fn(net(xtr[j]), ytr[j])
    opt.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    opt.step()
    ema.update(net)
    if it % 20 == 19:
        print(f"it {it + 1:4d}  loss {loss.item():.4f}")
    if (it + 1) % 100 == 0:
        ema.swap_in(net)
        print(f"      ema val IoU {iou(net, xva, yva):.3f}")
        ema.swap_out(net)
