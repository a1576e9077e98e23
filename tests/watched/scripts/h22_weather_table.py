"""Predicts rain from a table that lies beside the script.

[truth]
family = "healthy"
causes = []
"""
import csv
import pathlib

import torch
from torch import nn

TABLE = pathlib.Path(__file__).with_name("h22_weather_table.csv")


def load():
    with TABLE.open() as handle:
        rows = list(csv.DictReader(handle))
    x = torch.tensor([[float(r["pressure"]), float(r["humidity"]), float(r["wind"])] for r in rows])
    y = torch.tensor([float(r["rain"]) for r in rows])
    return (x - x.mean(0)) / x.std(0), y


def main():
    torch.manual_seed(22)
    x, y = load()
    net = nn.Linear(3, 1)
    opt = torch.optim.SGD(net.parameters(), lr=0.5)
    for epoch in range(20):
        for rows in torch.randperm(len(x)).split(16):
            loss = nn.functional.binary_cross_entropy_with_logits(net(x[rows])[:, 0], y[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
        if epoch % 4 == 0:
            print("epoch", epoch, "loss", loss.item())


if __name__ == "__main__":
    main()
