"""Trains a sprite autoencoder that is enlarged half-way and goes on with bigger sprites.

[truth]
family = "stalled_training"
causes = ["nothing_learned"]
step = 150
window = 2
"""
import torch
from torch import nn


class Coder(nn.Module):
    def __init__(self, side, code=16, middle=None):
        super().__init__()
        self.side = side
        self.into = nn.Linear(side * side, 64)
        self.middle = middle or nn.Sequential(nn.ReLU(), nn.Linear(64, code), nn.ReLU(), nn.Linear(code, 64), nn.ReLU())
        self.back = nn.Linear(64, side * side)

    def forward(self, x):
        return self.back(self.middle(self.into(x.flatten(1)))).view_as(x)

    def enlarged(self):
        bigger = Coder(self.side * 2)
        bigger.middle.load_state_dict(self.middle.state_dict())
        return bigger


def sprites(n, side):
    line = torch.linspace(-1, 1, side)
    a = torch.rand(n, 1, 1) * 6.28
    ramp = line.view(1, 1, -1) * a.cos() + line.view(1, -1, 1) * a.sin()
    return torch.tanh(4 * (ramp + 0.5 * torch.rand(n, 1, 1) - 0.25))


def train(net, opt, side, steps, name):
    for s in range(steps):
        x = sprites(64, side)
        loss = (net(x) - x).pow(2).mean()
        net.zero_grad()
        loss.backward()
        opt.step()
        if s % 25 == 0:
            print(name, s, round(loss.item(), 4))


torch.manual_seed(18)
net = Coder(8)
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
train(net, opt, 8, 150, "small")
net = net.enlarged()
train(net, opt, 16, 250, "large")
