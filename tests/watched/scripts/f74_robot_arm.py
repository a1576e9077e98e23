"""Learns the forward kinematics of a two-link robot arm.

[truth]
family = "exploding_gradients"
causes = ["missing_zero_grad"]
step = 0
window = 10
"""
import torch
import torch.nn as nn


class Arm:
    lengths = (1.0, 0.7)

    def sample(self, n):
        q = (torch.rand(n, 2) - 0.5) * 4
        a, b = q[:, 0], q[:, 0] + q[:, 1]
        x = self.lengths[0] * torch.cos(a) + self.lengths[1] * torch.cos(b)
        y = self.lengths[0] * torch.sin(a) + self.lengths[1] * torch.sin(b)
        return q, torch.stack([x, y], 1)


def fit(arm, model, steps):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(steps):
        q, xy = arm.sample(32)
        loss = nn.functional.mse_loss(model(q), xy)
        loss.backward()
        optimizer.step()
        if step % 10 == 0:
            print("step", step, "loss", loss.item())


torch.manual_seed(66)
fit(Arm(), nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
                         nn.Linear(64, 2)), steps=150)
