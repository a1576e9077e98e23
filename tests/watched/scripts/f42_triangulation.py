"""Learns the three sides of triangles from sketches and compares their angles.

[truth]
family = "unstable_loss"
causes = ["argument_out_of_domain"]
step = 3
window = 0
phase = "loss"
"""
import torch
from torch import nn


class Sides(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3), nn.Softplus())

    def forward(self, sketch):
        return self.net(sketch).unbind(-1)


def corner(a, b, c):
    cos = (a * a + b * b - c * c) / (2 * a * b)
    return torch.acos(cos)  # <- culprit


def make(n, mix):
    a = 0.5 + torch.rand(n)
    b = 0.5 + torch.rand(n)
    gamma = 0.2 + 2.8 * torch.rand(n)
    c = torch.sqrt(a * a + b * b - 2 * a * b * torch.cos(gamma))
    sketch = torch.stack([a, b, c, gamma], 1) @ mix + 0.05 * torch.randn(n, 8)
    return sketch, torch.stack([a, b, c], 1), gamma


def main():
    torch.manual_seed(9)
    mix = torch.randn(4, 8)
    model = Sides()
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    for it in range(150):
        sketch, sides, gamma = make(16, mix)
        a, b, c = model(sketch)
        fit = (torch.stack([a, b, c], 1) - sides).abs().mean()
        turn = (corner(a, b, c) - gamma).abs().mean()
        loss = fit + 0.2 * turn
        opt.zero_grad()
        loss.backward()
        opt.step()
        if it % 15 == 0:
            print(f"iteration {it:3d} sides {fit.item():.4f} angle {turn.item():.4f}")


if __name__ == "__main__":
    main()
