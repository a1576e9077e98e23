"""Regression of insurance claims whose noise has a tail index near two; squared loss, clipped gradients.

[truth]
family = "healthy"
causes = []
"""
import csv
import os
import tempfile

import torch
from torch import nn


def claims(n, gen):
    x = torch.randn(n, 6, generator=gen)
    mean = 3 + 2 * x[:, 0] + torch.where(x[:, 1] > 0, 2.0, -1.0) * x[:, 2]
    u = torch.rand(n, generator=gen)
    tail = (u.clamp(min=1e-6) ** (-1 / 2.2) - 1) * torch.where(torch.rand(n, generator=gen) < 0.5, -1.0, 1.0)
    return x, mean, mean + 0.5 * tail


class Logger:
    def __init__(self):
        self.path = os.path.join(tempfile.mkdtemp(), "log.csv")
        self.fh = open(self.path, "w", newline="")
        self.csv = csv.writer(self.fh)
        self.csv.writerow(["step", "loss", "norm", "lr"])

    def __call__(self, *row):
        self.csv.writerow(row)

    def close(self):
        self.fh.close()


def main(steps=1500, batch=32):
    torch.manual_seed(23)
    gen = torch.Generator().manual_seed(23)
    model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    opt = torch.optim.SGD(model.parameters(), lr=0.05)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.05, total_steps=steps, pct_start=0.1)
    log = Logger()
    xt, mt, _ = claims(2000, gen)
    for step in range(steps):
        x, _, y = claims(batch, gen)
        loss = (model(x).squeeze(1) - y).square().mean()
        opt.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        opt.step()
        log(step, loss.item(), norm.item(), sched.get_last_lr()[0])
        sched.step()
        if step % 150 == 0 or step == steps - 1:
            with torch.no_grad():
                err = (model(xt).squeeze(1) - mt).square().mean().item()
            print(f"{step:5d} loss {loss.item():9.3f}  error to the true mean {err:.4f} (variance {mt.var():.2f})")
    log.close()


if __name__ == "__main__":
    main()
