"""Values options with a deep network whose weights are drawn from a normal distribution.

[truth]
family = "exploding_gradients"
causes = ["poor_initialization"]
step = 0
window = 2
"""
import torch
from torch import nn


class DeepNet(nn.Module):
    def __init__(self, depth=7, width=64):
        super().__init__()
        sizes = [5] + [width] * depth + [1]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.apply(self.init)

    @staticmethod
    def init(module):
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight)
            nn.init.zeros_(module.bias)

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)


def payoff(x):
    return torch.relu(x[:, :1] - 0.3 * x[:, 1:2] + 0.2)


torch.manual_seed(55)
net = DeepNet()
opt = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9)
for step in range(100):
    x = torch.randn(64, 5)
    loss = (net(x) - payoff(x)).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 10 == 0:
        print(f"{step:3d} {loss.item():.6g}")
