"""Predicts delivery times with their uncertainty (a Gaussian likelihood by hand).

[truth]
family = "unstable_loss"
causes = ["argument_out_of_domain"]
step = 3
window = 0
phase = "loss"
"""
import math

import torch
from torch import nn

torch.manual_seed(80)


class MeanAndSigma(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(d, 32), nn.ReLU())
        self.mean = nn.Linear(32, 1)
        self.sigma = nn.Linear(32, 1)
        nn.init.constant_(self.sigma.bias, 1.5)

    def forward(self, x):
        h = self.trunk(x)
        return self.mean(h), self.sigma(h)


def gaussian_nll(mean, sigma, y):
    z = (y - mean) / sigma
    log_sigma = torch.log(sigma)  # <- culprit
    return (0.5 * z * z + log_sigma + 0.5 * math.log(2 * math.pi)).mean()


km = torch.rand(700, 1) * 2
traffic = torch.rand(700, 1)
rain = (torch.rand(700, 1) < 0.3).float()
minutes = km * (1 + traffic) + 0.3 * rain + (0.05 + 0.3 * traffic) * torch.randn(700, 1)
x = torch.cat([km, traffic, rain], 1)

model = MeanAndSigma(3)
opt = torch.optim.RMSprop(model.parameters(), lr=2e-2)
for step in range(150):
    pick = torch.randint(0, 700, (50,))
    mean, sigma = model(x[pick])
    loss = gaussian_nll(mean, sigma, minutes[pick])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 25 == 0:
        print("step", step, "nll", f"{loss.item():.3f}", "sigma", f"{sigma.mean().item():.3f}")
