"""Separates two clusters with a hinge loss, which soon is exactly zero.

[truth]
family = "healthy"
causes = []
"""
import sys

import torch


class Machine(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.zeros(6))
        self.b = torch.nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return x @ self.w + self.b


def main():
    torch.manual_seed(15)
    side = torch.randint(0, 2, (300,)).float() * 2 - 1
    x = 0.4 * torch.randn(300, 6)
    x[:, 1] += 2 * side
    machine = Machine()
    opt = torch.optim.SGD(machine.parameters(), lr=0.1)
    for it in range(140):
        rows = torch.randint(0, 300, (20,))
        loss = torch.relu(1 - side[rows] * machine(x[rows])).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if it % 20 == 0:
            print(f"hinge {loss.item():.5f}")
    accuracy = (machine(x).sign() == side).float().mean().item()
    print("accuracy", accuracy)
    return 0 if accuracy > 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())
