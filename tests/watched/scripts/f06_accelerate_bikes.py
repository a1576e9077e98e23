"""Predicts bike rentals per hour with Accelerate.

[truth]
family = "bad_data"
causes = ["nonfinite_target"]
step = 6
window = 0
phase = "target"
samples = [275]
"""
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    lr: float = 4e-3
    batch_size: int = 24
    epochs: int = 4
    hidden: int = 48
    seed: int = 2


class BikeHours(Dataset):
    def __init__(self, n=480):
        gen = torch.Generator().manual_seed(8)
        self.weather = torch.rand(n, 6, generator=gen)
        docks = torch.randint(5, 40, (n,), generator=gen).float()
        docks[275] = 0.0  # station closed
        rented = 3 + 10 * self.weather[:, 0] + 4 * self.weather[:, 3]
        self.use = rented / docks

    def __len__(self):
        return len(self.use)

    def __getitem__(self, index):
        return {"weather": self.weather[index], "use": self.use[index]}


def run(cfg: Config):
    torch.manual_seed(cfg.seed)
    accelerator = Accelerator(cpu=True)
    model = nn.Sequential(nn.Linear(6, cfg.hidden), nn.ReLU(), nn.Linear(cfg.hidden, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    loader = DataLoader(BikeHours(), batch_size=cfg.batch_size, shuffle=True)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    for epoch in range(cfg.epochs):
        for i, batch in enumerate(loader):
            pred = model(batch["weather"]).squeeze(-1)
            loss = nn.functional.l1_loss(pred, batch["use"])  # <- culprit
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
            if i % 10 == 0:
                accelerator.print(f"epoch {epoch} batch {i}: {loss.item():.4f}")


if __name__ == "__main__":
    run(Config())
