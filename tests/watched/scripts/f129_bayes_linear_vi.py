"""Mean-field variational Bayesian regression network (Bayes by backprop) on a 1-D curve.

[truth]
family = "unstable_loss"
causes = ["argument_out_of_domain"]
step = 398
window = 4
phase = "loss"
"""
import math
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Config:
    hidden: int = 32
    lr: float = 2e-3
    steps: int = 900
    batch: int = 64
    prior_sd: float = 1.0
    noise_sd: float = 0.1
    n_data: int = 512


class VariationalLinear(nn.Module):
    def __init__(self, n_in, n_out, prior_sd):
        super().__init__()
        self.mu = nn.Parameter(torch.randn(n_out, n_in) / math.sqrt(n_in))
        self.sd = nn.Parameter(torch.full((n_out, n_in), 0.12))
        self.bias = nn.Parameter(torch.zeros(n_out))
        self.prior_sd = prior_sd

    def forward(self, x):
        w = self.mu + self.sd * torch.randn_like(self.mu)
        return nn.functional.linear(x, w, self.bias)

    def kl(self):
        ratio = self.sd / self.prior_sd
        m = (self.mu / self.prior_sd) ** 2
        return 0.5 * (ratio**2 + m - 1 - 2 * torch.log(ratio)).sum()  # <- culprit


class BNN(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.l1 = VariationalLinear(1, cfg.hidden, cfg.prior_sd)
        self.l2 = VariationalLinear(cfg.hidden, cfg.hidden, cfg.prior_sd)
        self.l3 = VariationalLinear(cfg.hidden, 1, cfg.prior_sd)

    def forward(self, x):
        return self.l3(torch.tanh(self.l2(torch.tanh(self.l1(x)))))

    def kl(self):
        return self.l1.kl() + self.l2.kl() + self.l3.kl()


class ELBOTrainer:
    def __init__(self, cfg):
        self.cfg = cfg
        g = torch.Generator().manual_seed(0)
        self.x = torch.rand(cfg.n_data, 1, generator=g) * 4 - 2
        self.y = torch.sin(2 * self.x) + cfg.noise_sd * torch.randn(cfg.n_data, 1, generator=g)
        self.net = BNN(cfg)
        self.opt = torch.optim.Adam(self.net.parameters(), lr=cfg.lr)

    def loss(self, x, y):
        resid = (self.net(x) - y) / self.cfg.noise_sd
        nll = 0.5 * (resid**2).mean() * self.cfg.n_data
        beta = min(1.0, self.step_no / 2000)
        return (nll + beta * self.net.kl()) / self.cfg.n_data

    def fit(self):
        for self.step_no in range(self.cfg.steps):
            idx = torch.randint(0, self.cfg.n_data, (self.cfg.batch,))
            loss = self.loss(self.x[idx], self.y[idx])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            if self.step_no % 100 == 0:
                print(f"{self.step_no:5d}  -elbo/n {loss.item():10.4f}")


if __name__ == "__main__":
    torch.manual_seed(5)
    ELBOTrainer(Config()).fit()
