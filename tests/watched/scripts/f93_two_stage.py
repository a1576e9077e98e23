"""Trains in two stages; the second stage continues from the weights of the first.

[truth]
family = "corrupted_state"
causes = ["resumed_without_state", "learning_rate_schedule"]
step = 70
window = 5
"""
import io

import torch
from torch import nn


def network():
    return nn.Sequential(
        nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 4)
    )


class Stage:
    def __init__(self, model, lr):
        self.model = model
        self.opt = torch.optim.Adam(model.parameters(), lr=lr, betas=(0.9, 0.999))
        self.sched = torch.optim.lr_scheduler.ExponentialLR(self.opt, gamma=0.95)

    def run(self, steps, teacher, tag):
        for k in range(steps):
            x = torch.randn(32, 16)
            loss = nn.functional.mse_loss(self.model(x), teacher(x))
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            self.sched.step()
            if k % 10 == 0:
                print(f"{tag} {k:3d} loss {loss.item():.5f}")

    def save(self):
        buffer = io.BytesIO()
        torch.save({"model": self.model.state_dict()}, buffer)
        buffer.seek(0)
        return buffer


if __name__ == "__main__":
    torch.manual_seed(88)
    teacher = nn.Linear(16, 4).requires_grad_(False)
    first = Stage(network(), lr=0.03)
    first.run(70, teacher, "stage 1")
    checkpoint = first.save()

    model = network()
    model.load_state_dict(torch.load(checkpoint)["model"])
    second = Stage(model, lr=0.03)
    second.run(70, teacher, "stage 2")
