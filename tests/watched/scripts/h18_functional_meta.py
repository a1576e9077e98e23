"""Meta-learns the start of sine regressors with torch.func and per-task updates.

[truth]
family = "healthy"
causes = []
"""
import torch
from torch import nn
from torch.func import functional_call, grad, vmap

torch.manual_seed(18)
net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 1))
params = {k: v.detach().clone().requires_grad_(True) for k, v in net.named_parameters()}
opt = torch.optim.Adam(params.values(), lr=5e-3)


def loss_fn(p, x, y):
    return ((functional_call(net, p, (x,)) - y) ** 2).mean()


def adapted(p, x, y, lr=0.05):
    g = grad(loss_fn)(p, x, y)
    return {k: v - lr * g[k] for k, v in p.items()}


def tasks(n, points=10):
    amplitude, phase = 0.5 + torch.rand(n, 1, 1), 3.1416 * torch.rand(n, 1, 1)
    x = 4 * torch.rand(n, 2 * points, 1) - 2
    y = amplitude * torch.sin(x + phase)
    return x[:, :points], y[:, :points], x[:, points:], y[:, points:]


def outer(p, xs, ys, xq, yq):
    return loss_fn(adapted(p, xs, ys), xq, yq)


for step in range(100):
    loss = vmap(outer, in_dims=(None, 0, 0, 0, 0))(params, *tasks(8)).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 20 == 0:
        print(f"meta step {step} loss {loss.item():.4f}")
