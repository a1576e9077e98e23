"""Predicts crop yields; the learning rate warms up step by step.

[truth]
family = "exploding_gradients"
causes = ["learning_rate_schedule", "learning_rate_too_high"]
step = 40
window = 4
"""
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset


def warmup_then_constant(step):
    """1 % at first; the full rate after the warm-up."""
    if step < 40:
        return 0.02 + 0.98 * step / 40
    return 1.0 * step  # keeps the slope


class YieldNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.soil = nn.Linear(5, 24)
        self.season = nn.Linear(4, 24)
        self.out = nn.Linear(48, 1)

    def forward(self, soil, season):
        h = torch.cat([torch.relu(self.soil(soil)), torch.relu(self.season(season))], 1)
        return self.out(h).squeeze(1)


def main():
    torch.manual_seed(34)
    soil, season = torch.randn(480, 5), torch.randn(480, 4)
    tons = torch.tanh(soil[:, 0]) + season[:, 1].abs() - 0.5 * season[:, 0] + 0.1 * torch.randn(480)
    loader = DataLoader(TensorDataset(soil, season, tons), batch_size=20, shuffle=True)
    net = YieldNet()
    opt = torch.optim.SGD(net.parameters(), lr=0.05)
    sched = LambdaLR(opt, warmup_then_constant)
    for epoch in range(5):
        for so, se, y in loader:
            loss = nn.functional.mse_loss(net(so, se), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
        print(f"epoch {epoch}: loss {loss.item():.5g}, lr {sched.get_last_lr()[0]:.4f}")


if __name__ == "__main__":
    main()
