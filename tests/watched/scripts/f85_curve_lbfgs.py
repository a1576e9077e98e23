"""Fits a curve with L-BFGS and a closure.

[truth]
family = "exploding_gradients"
causes = ["learning_rate_too_high"]
step = 0
window = 4
"""
import torch
from torch import nn

torch.manual_seed(47)
t = torch.linspace(-2, 2, 80).unsqueeze(1)
y = torch.exp(-t * t) * torch.cos(3 * t) + 0.02 * torch.randn(80, 1)

curve = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 20), nn.ELU(), nn.Linear(20, 1))
optimizer = torch.optim.LBFGS(curve.parameters(), lr=8.0, max_iter=4, history_size=6)


def closure():
    optimizer.zero_grad()
    residual = curve(t) - y
    loss = (residual * residual).mean()
    loss.backward()
    return loss


for outer in range(25):
    loss = optimizer.step(closure)
    print(f"outer iteration {outer:2d}: loss {loss.item():.5g}")
print("largest residual", (curve(t) - y).abs().max().item())
