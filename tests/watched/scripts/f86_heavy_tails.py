"""Forecasts returns of an asset with heavy tails, no limit on the gradient.

[truth]
family = "exploding_gradients"
causes = ["unclipped_gradient_spikes", "outlier_batch"]
step = 20
window = 2
"""
import torch
from torch import nn
from torch.distributions import StudentT


class ReturnModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(10, 32)
        self.lin = nn.Linear(32, 1)

    def forward(self, r):
        return self.lin(torch.relu(self.hidden(r)))


def windows(n, length=10):
    noise = StudentT(1.3).sample((n, length + 1))
    r = noise.clone()
    for k in range(1, length + 1):
        r[:, k] += 0.4 * r[:, k - 1]
    return torch.tanh(r[:, :-1]), r[:, -1:]


if __name__ == "__main__":
    torch.manual_seed(93)
    model = ReturnModel()
    opt = torch.optim.SGD(model.parameters(), lr=0.15)
    for step in range(150):
        past, nxt = windows(32)
        loss = nn.functional.mse_loss(model(past), nxt)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 10 == 0:
            print(f"{step}: {loss.item():.4f}")
