"""Trains a temperature forecaster in two sittings, with a compact checkpoint between them.

[truth]
family = "corrupted_state"
causes = ["resumed_without_state"]
step = 301
window = 2
"""
import io

import torch
from torch import nn


def weather(n, seed):
    g = torch.Generator().manual_seed(seed)
    day = torch.rand(n, 1, generator=g) * 365
    wind = torch.randn(n, 6, generator=g)
    x = torch.cat([torch.sin(day / 58), torch.cos(day / 58), wind], 1)
    y = 0.3 * x[:, 0] - 0.2 * x[:, 1] + 0.1 * torch.tanh(wind[:, 0] * wind[:, 1]) + 0.05 * wind[:, 2]
    return x, y[:, None] / 20


def build():
    net = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
    return net, torch.optim.Adam(net.parameters(), lr=3e-3, betas=(0.9, 0.9995))


def pack(tree):
    if torch.is_tensor(tree):
        return tree.half() if tree.is_floating_point() else tree
    if isinstance(tree, dict):
        return {k: pack(v) for k, v in tree.items()}
    if isinstance(tree, list):
        return [pack(v) for v in tree]
    return tree


def save(net, opt):
    f = io.BytesIO()
    torch.save({"net": net.state_dict(), "opt": pack(opt.state_dict())}, f)
    f.seek(0)
    return f


def sitting(net, opt, data, steps, first):
    x, y = data
    for s in range(first, first + steps):
        pick = torch.randint(0, len(x), (64,))
        loss = nn.functional.mse_loss(net(x[pick]), y[pick])
        opt.zero_grad()
        loss.backward()
        opt.step()
        if s % 25 == 0:
            print(f"{s:4d} {loss.item():.3e}")


if __name__ == "__main__":
    torch.manual_seed(17)
    data = weather(4000, 17)
    net, opt = build()
    sitting(net, opt, data, 300, 0)
    ckpt = torch.load(save(net, opt))
    net, opt = build()
    net.load_state_dict(ckpt["net"])
    opt.load_state_dict(ckpt["opt"])
    sitting(net, opt, data, 100, 300)
