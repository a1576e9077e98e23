"""MAML with torch.func; at iteration 300 tasks become harder (loss 0.17 -> 1.1), then meta loss
falls to ~0.15-0.2 at a query variance of ~1.7.

[truth]
family = "healthy"
causes = []
"""
"""First principles MAML on sine regression with torch.func; task difficulty widens at iteration 300 (amplitude 1 -> 3)."""
import math
import torch
import torch.nn as nn
from torch.func import functional_call, grad, vmap

torch.set_num_threads(1)
torch.manual_seed(66)
net = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
meta = {k: v.detach().clone().requires_grad_() for k, v in net.named_parameters()}
opt = torch.optim.Adam(meta.values(), lr=2e-3)


def mse(p, x, y):
    return (functional_call(net, p, (x,)) - y).square().mean()


def after_adaptation(p, xs, ys, xq, yq):
    for _ in range(2):
        g = grad(mse)(p, xs, ys)
        p = {k: v - 0.03 * g[k] for k, v in p.items()}
    return mse(p, xq, yq)


def tasks(n, amp):
    a = (0.2 + amp * torch.rand(n, 1, 1)); ph = math.pi * torch.rand(n, 1, 1)
    xs, xq = 10 * torch.rand(n, 10, 1) - 5, 10 * torch.rand(n, 10, 1) - 5
    return xs / 2, a * torch.sin(xs + ph), xq / 2, a * torch.sin(xq + ph)


for it in range(700):
    xs, ys, xq, yq = tasks(12, 1.0 if it < 300 else 3.0)
    losses = vmap(lambda a, b, c, d: after_adaptation(meta, a, b, c, d))(xs, ys, xq, yq)
    loss = losses.mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 50 == 0 or it == 699:
        print(f"{it:4d} meta loss {loss.item():.4f} (query variance {yq.var().item():.3f})")
