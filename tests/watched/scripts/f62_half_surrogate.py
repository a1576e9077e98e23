"""Fits a surrogate of a simulation in float16 autocast, plain backward, normalised outputs.

[truth]
family = "unstable_loss"
causes = ["half_precision_underflow"]
step = 0
window = 20
"""
import torch
from torch import nn


class Surrogate(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.inp = nn.Linear(5, width)
        self.mid = nn.Linear(width, width)
        self.out = nn.Linear(width, 16)

    def forward(self, x):
        h = torch.tanh(self.inp(x))
        h = torch.tanh(self.mid(h))
        return self.out(h)


def simulate(n):
    x = torch.rand(n, 5) * 2 - 1
    phase = torch.linspace(0, 3, 16)
    y = 1e-5 * (x[:, :1] * torch.cos(phase) + x[:, 1:2] * torch.sin(phase))
    return x, y


def main():
    torch.manual_seed(48)
    model = Surrogate()
    nn.init.zeros_(model.out.weight)
    nn.init.zeros_(model.out.bias)
    opt = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    for step in range(120):
        x, y = simulate(64)
        with torch.autocast("cpu", dtype=torch.float16):
            pred = model(x)
            loss = ((pred - y.half()) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 20 == 0:
            with torch.no_grad():
                rel = (pred - y).norm() / y.norm()
            print(f"step {step:3d} loss {loss.item():.3e} relative error {rel:.4f}")


if __name__ == "__main__":
    main()
