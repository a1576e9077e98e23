"""Predicts solar power with rectified layers.

[truth]
family = "stalled_training"
causes = ["dead_units", "poor_initialization"]
step = 0
window = 15
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class SolarNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.ModuleList([nn.Linear(5, 48), nn.Linear(48, 48)])
        self.out = nn.Linear(48, 1)

    def forward(self, x):
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return self.out(x).squeeze(1)


def panels(n=800):
    x = torch.randn(n, 5)
    return TensorDataset(x, torch.relu(1.0 + x[:, 0] - 0.4 * x[:, 1] ** 2))


def main():
    torch.manual_seed(6)
    net = SolarNet()
    nn.init.constant_(net.hidden[1].bias, -9.0)  # "start sparse"
    opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(5):
        for x, power in DataLoader(panels(), batch_size=32, shuffle=True):
            loss = nn.functional.mse_loss(net(x), power)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
