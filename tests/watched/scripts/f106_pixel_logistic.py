"""Small autoregressive image model with discretised logistic likelihood.

[truth]
family = "unstable_loss"
causes = ["log_of_zero"]
step = 11
window = 1
phase = "loss"
"""
import torch
import torch.nn as nn
import torch.nn.functional as F


class MaskedConv(nn.Conv2d):
    def __init__(self, kind, *a, **k):
        super().__init__(*a, **k)
        m = torch.ones_like(self.weight)
        h, w = self.weight.shape[-2:]
        m[:, :, h // 2, w // 2 + (kind == "B"):] = 0
        m[:, :, h // 2 + 1:] = 0
        self.register_buffer("mask", m)

    def forward(self, x):
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


class PixelNet(nn.Module):
    def __init__(self, c=32, depth=3):
        super().__init__()
        self.inp = MaskedConv("A", 1, c, 5, padding=2)
        self.mid = nn.ModuleList(MaskedConv("B", c, c, 3, padding=1) for _ in range(depth))
        self.out = nn.Conv2d(c, 2, 1)

    def forward(self, x):
        h = self.inp(x)
        for m in self.mid:
            h = h + m(F.silu(h))
        mean, log_scale = self.out(F.silu(h)).chunk(2, 1)
        return mean, log_scale


def nll(x, mean, log_scale):
    inv = torch.exp(-log_scale)
    half = 1 / 255
    hi = torch.sigmoid((x - mean + half) * inv)
    lo = torch.sigmoid((x - mean - half) * inv)
    return -torch.log(hi - lo).mean()  # <- culprit


def gradients(n, size=14):
    """Smooth ramps with a few bright spots, quantised to 8 bit and scaled to [-1, 1]."""
    a = torch.rand(n, 1, 1, 1) * 2 - 1
    b = torch.rand(n, 1, 1, 1) * 2 - 1
    yy, xx = torch.meshgrid(torch.linspace(-1, 1, size), torch.linspace(-1, 1, size), indexing="ij")
    img = 0.5 * (a * xx + b * yy)
    spot = torch.rand(n, 1, size, size) < 0.004
    img = torch.where(spot, torch.full_like(img, 0.95), img)
    return torch.round((img + 1) * 127.5) / 127.5 - 1


def main(steps=350, batch=32, lr=2e-3, seed=0):
    torch.manual_seed(seed)
    net = PixelNet()
    opt = torch.optim.Adam(net.parameters(), lr=lr)
    for it in range(steps):
        x = gradients(batch)
        mean, ls = net(x)
        loss = nll(x, mean, ls)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
        if it % 25 == 0:
            print(f"{it:4d} nats/dim {loss.item():.3f}  scale {ls.exp().mean().item():.4f}")


if __name__ == "__main__":
    main()
