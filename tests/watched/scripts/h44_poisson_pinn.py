"""Physics-informed network for u'' = -pi^2 sin(pi x), u(0) = u(1) = 0: Adam first, LBFGS to polish.

[truth]
family = "healthy"
causes = []
"""
import math
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Plan:
    points: int = 80
    adam_steps: int = 150
    lbfgs_steps: int = 12
    bc_weight: float = 50.0


class Field(nn.Module):
    def __init__(self, width=20):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, x):
        return self.net(2 * x - 1)


def pde_loss(model, x, plan):
    u = model(x)
    du = torch.autograd.grad(u.sum(), x, create_graph=True)[0]
    ddu = torch.autograd.grad(du.sum(), x, create_graph=True)[0]
    res = ddu + math.pi**2 * torch.sin(math.pi * x)
    ends = model(torch.tensor([[0.0], [1.0]]))
    return res.pow(2).mean() + plan.bc_weight * ends.pow(2).mean()


def solve(plan=Plan()):
    torch.manual_seed(31)
    model = Field()
    x = torch.linspace(0, 1, plan.points)[:, None].requires_grad_(True)
    adam = torch.optim.Adam(model.parameters(), lr=5e-3)
    for i in range(plan.adam_steps):
        adam.zero_grad()
        loss = pde_loss(model, x, plan)
        loss.backward()
        adam.step()
    print(f"adam  {loss.item():.3e}")
    lbfgs = torch.optim.LBFGS(model.parameters(), max_iter=20, history_size=30, line_search_fn="strong_wolfe")

    def closure():
        lbfgs.zero_grad()
        value = pde_loss(model, x, plan)
        value.backward()
        return value

    for i in range(plan.lbfgs_steps):
        print(f"lbfgs {i:2d} {lbfgs.step(closure).item():.3e}")
    err = (model(x) - torch.sin(math.pi * x)).abs().max().item()
    print(f"max error {err:.2e}")


if __name__ == "__main__":
    solve()
