"""Trains a mixture density network on a tight inverse problem with float16 autocast and a GradScaler.

[truth]
family = "healthy"
causes = []
"""
import math
from dataclasses import dataclass

import torch
import torch.nn as nn


@dataclass
class Cfg:
    n: int = 8000
    components: int = 5
    hidden: int = 96
    batch: int = 200
    epochs: int = 14
    lr: float = 3e-3
    min_log_sigma: float = -4.5
    init_scale: float = 2.0 ** 22
    seed: int = 31


def inverse_problem(n, seed):
    """x = t + 0.3 sin(2 pi t), predict t from x; both scaled to about one hundredth of a unit."""
    g = torch.Generator().manual_seed(seed)
    t = torch.rand(n, 1, generator=g)
    x = t + 0.3 * torch.sin(2 * math.pi * t) + 0.01 * torch.randn(n, 1, generator=g)
    return 2 * x - 1, t


class MDN(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.trunk = nn.Sequential(nn.Linear(1, cfg.hidden), nn.Tanh(), nn.Linear(cfg.hidden, cfg.hidden), nn.Tanh())
        self.heads = nn.Linear(cfg.hidden, 3 * cfg.components)

    def forward(self, x):
        logit, mu, log_sigma = self.heads(self.trunk(x)).float().chunk(3, dim=1)
        log_sigma = self.cfg.min_log_sigma + nn.functional.softplus(log_sigma - self.cfg.min_log_sigma)
        return logit.log_softmax(1), mu, log_sigma


def nll(params, t):
    log_pi, mu, log_sigma = params
    z = (t - mu) * torch.exp(-log_sigma)
    logp = -0.5 * z ** 2 - log_sigma - 0.5 * math.log(2 * math.pi)
    return -torch.logsumexp(log_pi + logp, dim=1).mean()


def evaluate(model, x, t):
    model.eval()
    with torch.no_grad():
        out = nll(model(x), t).item()
    model.train()
    return out


def main():
    cfg = Cfg()
    torch.manual_seed(cfg.seed)
    x, t = inverse_problem(cfg.n, 1)
    vx, vt = inverse_problem(1000, 2)
    model = MDN(cfg)
    opt = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    scaler = torch.amp.GradScaler("cpu", init_scale=cfg.init_scale, growth_interval=150)
    steps_per_epoch = cfg.n // cfg.batch
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / 30) * 0.5 * (1 + math.cos(math.pi * s / (cfg.epochs * steps_per_epoch))))
    print(f"start  valid nll {evaluate(model, vx, vt):.4f}")
    for epoch in range(cfg.epochs):
        total, skipped = 0.0, 0
        for b in torch.randperm(cfg.n).split(cfg.batch):
            with torch.autocast("cpu", dtype=torch.float16):
                loss = nll(model(x[b]), t[b])
            opt.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.unscale_(opt)
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            before = scaler.get_scale()
            scaler.step(opt)
            scaler.update()
            if scaler.get_scale() < before:
                skipped += 1
            else:
                sched.step()
            total += loss.item()
        print(f"epoch {epoch:2d}  train nll {total / steps_per_epoch:+.4f}  valid nll {evaluate(model, vx, vt):+.4f}  scale {scaler.get_scale():.0f}  skipped {skipped}")


if __name__ == "__main__":
    main()
