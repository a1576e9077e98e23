"""Distils a sharp teacher into a small student with a Kullback-Leibler divergence.

[truth]
family = "unstable_loss"
causes = ["log_of_zero"]
step = 42
window = 0
phase = "loss"
"""
from dataclasses import dataclass, field

import torch
from torch import nn


def kl(p, q):
    return (p * (p.log() - q.log())).sum(-1).mean()  # <- culprit


@dataclass
class Distiller:
    teacher: nn.Module
    student: nn.Module
    lr: float = 1e-2
    losses: list = field(default_factory=list)

    def __post_init__(self):
        self.opt = torch.optim.Adam(self.student.parameters(), lr=self.lr)
        self.teacher.requires_grad_(False)

    def step(self, x):
        with torch.no_grad():
            p = self.teacher(x).softmax(-1)
        q = self.student(x).softmax(-1)
        loss = kl(p, q)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.losses.append(loss.item())
        return loss


def main():
    torch.manual_seed(57)
    teacher = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 5))
    for p in teacher.parameters():
        p.data *= 9.0  # a long-trained, very confident teacher
    d = Distiller(teacher, nn.Linear(10, 5))
    for k in range(120):
        loss = d.step(torch.randn(32, 10))
        if k % 20 == 0:
            print(f"batch {k}, kl {loss.item():.4f}")
    print("mean of last ten:", sum(d.losses[-10:]) / 10)


if __name__ == "__main__":
    main()
