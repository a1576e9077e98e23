"""Learns a force field by integrating orbits with Euler steps.

[truth]
family = "exploding_gradients"
causes = ["recurrent_growth", "gradient_growth", "learning_rate_too_high"]
step = 0
window = 3
"""
import torch
from torch import nn


class Force(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 32), nn.Softplus(), nn.Linear(32, 2))

    def forward(self, x):
        return self.net(x)


def integrate(force, x, v, steps, dt=0.1):
    path = []
    for _ in range(steps):
        v = v + dt * force(x)
        x = x + dt * v
        path.append(x)
    return torch.stack(path, 1)


def spring(x):
    return -x


class Fit:
    def __init__(self, lr):
        self.force = Force()
        self.opt = torch.optim.SGD(self.force.parameters(), lr=lr)

    def step(self):
        x0, v0 = torch.randn(16, 2), torch.randn(16, 2)
        with torch.no_grad():
            truth = integrate(spring, x0, v0, 40)
        loss = ((integrate(self.force, x0, v0, 40) - truth) ** 2).mean()
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.item()


torch.manual_seed(59)
fit = Fit(lr=0.06)
for k in range(80):
    value = fit.step()
    if k % 8 == 0:
        print("orbit fit", k, value)
