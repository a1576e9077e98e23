"""Estimates the tempo of music from onset features.

[truth]
family = "exploding_gradients"
causes = ["gradient_ascent"]
step = 0
window = 60
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CONFIG = {"lr": 0.01, "batch_size": 32, "epochs": 6, "hidden": 32, "maximize": True}


def build_optimizer(model, cfg):
    return torch.optim.SGD(model.parameters(), lr=cfg["lr"], maximize=cfg["maximize"])


def build_data(n=640):
    onsets = torch.randn(n, 12)
    tempo = 0.8 * onsets[:, 0] - 0.6 * onsets[:, 5].abs() + 0.1 * torch.randn(n)
    return TensorDataset(onsets, tempo.unsqueeze(1))


def train(cfg):
    torch.manual_seed(95)
    data = build_data()
    model = nn.Sequential(
        nn.Linear(12, cfg["hidden"]), nn.Tanh(), nn.Linear(cfg["hidden"], 1)
    )
    opt = build_optimizer(model, cfg)
    for epoch in range(cfg["epochs"]):
        seen, total = 0, 0.0
        for x, y in DataLoader(data, cfg["batch_size"], shuffle=True):
            loss = nn.functional.huber_loss(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(x)
            seen += len(x)
        print(f"epoch {epoch}: {total / seen:.4f}")


if __name__ == "__main__":
    train(CONFIG)
