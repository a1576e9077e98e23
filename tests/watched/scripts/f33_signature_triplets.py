"""Learns a distance between signatures from triplets.

[truth]
family = "unstable_loss"
causes = ["unbounded_loss", "gradient_growth"]
step = 0
window = 10
"""
from typing import NamedTuple

import torch
from torch import nn


class Triplet(NamedTuple):
    anchor: torch.Tensor
    positive: torch.Tensor
    negative: torch.Tensor


class Source:
    def __init__(self, writers=20, dim=16):
        self.style = torch.randn(writers, dim)

    def draw(self, n):
        a = torch.randint(len(self.style), (n,))
        b = (a + torch.randint(1, len(self.style), (n,))) % len(self.style)
        noise = [0.3 * torch.randn(n, self.style.shape[1]) for _ in range(3)]
        return Triplet(self.style[a] + noise[0], self.style[a] + noise[1], self.style[b] + noise[2])


def sq_dist(u, v):
    return (u - v).pow(2).sum(-1)


def main():
    torch.manual_seed(44)
    source = Source()
    embed = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))
    opt = torch.optim.SGD(embed.parameters(), lr=0.02)
    for step in range(120):
        t = source.draw(48)
        za, zp, zn = embed(t.anchor), embed(t.positive), embed(t.negative)
        loss = (sq_dist(za, zp) - sq_dist(za, zn)).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 5 == 0:
            print(f"step {step}: triplet loss {loss.item():.4g}")


if __name__ == "__main__":
    main()
