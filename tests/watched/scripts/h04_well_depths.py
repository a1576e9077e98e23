"""Models ground water with a physical square-root law above the water table.

[truth]
family = "healthy"
causes = []
"""
import torch
import torch.nn as nn


class Aquifer(nn.Module):
    """flow = k * sqrt(head) where the head is positive, nothing elsewhere"""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 24), nn.Tanh(), nn.Linear(24, 1))
        self.log_k = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        head = torch.relu(self.net(x).squeeze(-1) + 1.0)
        flow = torch.where(head > 0, torch.sqrt(head), torch.zeros_like(head))
        return self.log_k.exp() * flow


def batches(steps, size=32):
    gen = torch.Generator().manual_seed(60)
    for _ in range(steps):
        x = torch.randn(size, 3, generator=gen)
        level = 1.0 + 0.8 * x[:, 0] - 0.4 * x[:, 1]
        yield x, 1.3 * level.clamp(min=0).sqrt()


def main():
    torch.manual_seed(60)
    model = Aquifer()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for step, (x, flow) in enumerate(batches(130)):
        loss = (model(x) - flow).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 13 == 0:
            print(f"step {step:3d} mae {loss.item():.4f}")


if __name__ == "__main__":
    main()
