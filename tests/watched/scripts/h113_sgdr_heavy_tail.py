"""Student-t noise gives spiky losses, gradients are clipped to 1, warm restarts raise lr at 100,
300, 700, 1500; error to the noiseless truth falls to 0.012.

[truth]
family = "healthy"
causes = []
"""
"""Regression with Student-t noise (2.2 degrees of freedom) and warm restarts: spiky losses and gradients, but clipped."""
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(77)
T = torch.distributions.StudentT(2.2)


def batch(n=64):
    x = torch.rand(n, 3) * 4 - 2
    f = torch.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] * 0.5
    return x, f, f + 0.4 * T.sample((n,))


net = nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
sch = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=100, T_mult=2, eta_min=1e-3)
for it in range(1500):
    x, f, y = batch()
    pred = net(x).squeeze(1)
    loss = (pred - y).square().mean()
    opt.zero_grad()
    loss.backward()
    g = nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    opt.step()
    sch.step()
    if it % 100 == 99:
        print(f"{it + 1:5d} loss {loss.item():8.3f} grad {g.item():7.2f} lr {sch.get_last_lr()[0]:.3f} error to truth {(pred - f).square().mean().item():.4f}")
