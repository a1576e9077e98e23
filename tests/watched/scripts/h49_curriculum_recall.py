"""GRU that adds up the marked numbers of a sequence; sequences get longer stage by stage, clipping at 0.25.

[truth]
family = "healthy"
causes = []
"""
from dataclasses import dataclass

import torch
import torch.nn as nn


@dataclass
class Stage:
    length: int
    marks: int
    steps: int


PLAN = [Stage(6, 2, 160), Stage(12, 4, 160), Stage(24, 8, 220)]


def problems(n, stage):
    v = torch.rand(n, stage.length)
    order = torch.rand(n, stage.length).argsort(1)[:, :stage.marks]
    m = torch.zeros(n, stage.length).scatter_(1, order, 1.0)
    return torch.stack([v, m], -1), (v * m).sum(1)


class Adder(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.rnn = nn.GRU(2, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1]).squeeze(-1)


def main():
    torch.manual_seed(17)
    net = Adder()
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    clipped = total = 0
    for k, stage in enumerate(PLAN):
        for i in range(stage.steps):
            x, y = problems(96, stage)
            loss = nn.functional.mse_loss(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(net.parameters(), 0.25)
            optimizer.step()
            clipped += int(norm > 0.25)
            total += 1
            if i % 20 == 0:
                print(f"stage {k} (length {stage.length}) step {i:3d} mse {loss.item():.5f} |g| {norm.item():.3f}")
        with torch.no_grad():
            x, y = problems(1000, stage)
            r2 = 1 - (net(x) - y).pow(2).mean() / y.var()
        print(f"== stage {k} done: r2 {r2.item():.4f}, clipped {clipped}/{total}")


if __name__ == "__main__":
    main()
