"""Fits an engine map with SGD and momentum.

[truth]
family = "exploding_gradients"
causes = ["learning_rate_too_high"]
step = 2
window = 4
"""
import torch
from torch import nn

torch.manual_seed(1)
speed = torch.linspace(-1, 1, 30)
load = torch.linspace(-1, 1, 30)
grid = torch.cartesian_prod(speed, load)
torque = (torch.sin(2 * grid[:, 0]) * (1 - grid[:, 1] ** 2) + 0.5 * grid[:, 1]).unsqueeze(1)

net = nn.Sequential(nn.Linear(2, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
sgd = torch.optim.SGD(net.parameters(), lr=0.6, momentum=0.9)

losses = []
for epoch in range(8):
    for rows in torch.randperm(len(grid)).split(60):
        loss = nn.functional.mse_loss(net(grid[rows]), torque[rows])
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        losses.append(loss.item())
    print(f"epoch {epoch}: {sum(losses[-15:]) / 15:.4g}")
