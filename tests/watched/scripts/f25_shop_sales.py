"""Predicts shop sales and optimises the root mean squared log error.

[truth]
family = "unstable_loss"
causes = ["argument_out_of_domain"]
step = 34
window = 0
phase = "loss"
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def rmsle(pred, target):
    diff = torch.log(pred + 1) - torch.log(target + 1)  # <- culprit
    return torch.sqrt((diff**2).mean() + 1e-12)


def shops(n=800):
    x = 1.5 * torch.randn(n, 7)
    sales = torch.exp(0.6 * x[:, 0] - 0.5 * x[:, 3] + 0.2 * torch.randn(n))
    return TensorDataset(x, sales)


def main():
    torch.manual_seed(29)
    model = nn.Sequential(nn.Linear(7, 32), nn.LeakyReLU(), nn.Linear(32, 1), nn.Flatten(0))
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.6, total_steps=125)
    step = 0
    for epoch in range(5):
        for x, y in DataLoader(shops(), batch_size=32, shuffle=True):
            loss = rmsle(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            scheduler.step()
            step += 1
        print(f"epoch {epoch} step {step} rmsle {loss.item():.4f}")


main()
