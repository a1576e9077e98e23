"""Self-training with a teacher that is the moving average of the student.

[truth]
family = "healthy"
causes = []
"""
import copy

import torch
from torch import nn


def make():
    return nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3))


class MeanTeacher:
    def __init__(self, model, decay=0.95):
        self.student = model
        self.teacher = copy.deepcopy(model).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self):
        for t, s in zip(self.teacher.parameters(), self.student.parameters()):
            t.mul_(self.decay).add_(s, alpha=1 - self.decay)
        for t, s in zip(self.teacher.buffers(), self.student.buffers()):
            t.copy_(s)


torch.manual_seed(9)
pair = MeanTeacher(make())
opt = torch.optim.Adam(pair.student.parameters(), lr=3e-3)
centres = 1.5 * torch.randn(3, 8)
for step in range(120):
    y = torch.randint(0, 3, (12,))
    labelled = centres[y] + torch.randn(12, 8)
    free = centres[torch.randint(0, 3, (36,))] + torch.randn(36, 8)
    supervised = nn.functional.cross_entropy(pair.student(labelled), y)
    with torch.no_grad():
        target = pair.teacher(free).softmax(-1)
    agree = (pair.student(free + 0.1 * torch.randn_like(free)).softmax(-1) - target).pow(2).mean()
    loss = supervised + 0.5 * agree
    opt.zero_grad()
    loss.backward()
    opt.step()
    pair.update()
    if step % 20 == 0:
        print(f"step {step}: supervised {supervised.item():.4f} consistency {agree.item():.5f}")
