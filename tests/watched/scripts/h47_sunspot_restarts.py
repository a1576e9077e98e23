"""Autoregressive forecasting of a quasi-periodic series; SGD with warm restarts.

[truth]
family = "healthy"
causes = []
"""
import argparse

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts


def series(n=3000):
    rng = np.random.default_rng(17)
    t = np.arange(n)
    s = np.sin(2 * np.pi * t / 44) * (1 + 0.4 * np.sin(2 * np.pi * t / 400)) + 0.1 * rng.standard_t(3, n)
    return torch.tensor((s - s.mean()) / s.std(), dtype=torch.float32)


def main(opt):
    torch.manual_seed(17)
    s = series()
    w = s.unfold(0, opt.lags + 1, 1)
    x, y = w[:, :-1], w[:, -1]
    net = nn.Sequential(nn.Linear(opt.lags, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    sgd = torch.optim.SGD(net.parameters(), lr=opt.lr, momentum=0.9, nesterov=True)
    sched = CosineAnnealingWarmRestarts(sgd, T_0=60, T_mult=2, eta_min=1e-4)
    ema = None
    for step in range(420):
        i = torch.randint(0, len(x), (64,))
        loss = nn.functional.mse_loss(net(x[i]).squeeze(1), y[i])
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        sched.step()
        ema = loss.item() if ema is None else 0.95 * ema + 0.05 * loss.item()
        if step % 20 == 0:
            print(f"step={step} loss={loss.item():.4f} ema={ema:.4f} lr={sched.get_last_lr()[0]:.4f}")


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--lags", type=int, default=48)
    ap.add_argument("--lr", type=float, default=0.08)
    main(ap.parse_args())
