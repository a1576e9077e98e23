"""Trains a 1-D CNN on synthetic ECG beats: rhythm class, heart rate and alignment to teacher embeddings,
balanced by learned uncertainty weights.

[truth]
family = "unstable_loss"
causes = ["unbounded_loss"]
step = 230
window = 180
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class BeatFactory:
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.rate = 50 + 70 * torch.rand(n, generator=g)
        self.cls = torch.randint(0, 4, (n,), generator=g)
        t = torch.linspace(0, 2, 160)
        phase = torch.rand(n, 1, generator=g)
        ph = (t[None] * self.rate[:, None] / 60 + phase) % 1.0
        r = torch.exp(-((ph - 0.4) / 0.025) ** 2)
        p = 0.25 * torch.exp(-((ph - 0.22) / 0.05) ** 2) * (self.cls != 1)[:, None]
        tw = 0.35 * torch.exp(-((ph - 0.7) / 0.08) ** 2) * torch.where(self.cls == 2, -1.0, 1.0)[:, None]
        wide = 0.6 * torch.exp(-((ph - 0.45) / 0.07) ** 2) * (self.cls == 3)[:, None]
        self.x = (r + p + tw + wide + 0.08 * torch.randn(n, 160, generator=g)).unsqueeze(1)
        self.rate = (self.rate - 85) / 20


class Backbone(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(1, c, 9, 2, 4), nn.BatchNorm1d(c), nn.ReLU(),
            nn.Conv1d(c, 2 * c, 7, 2, 3), nn.BatchNorm1d(2 * c), nn.ReLU(),
            nn.Conv1d(2 * c, 2 * c, 5, 2, 2), nn.BatchNorm1d(2 * c), nn.ReLU(),
            nn.AdaptiveAvgPool1d(4), nn.Flatten())
        self.dim = 8 * c

    def forward(self, x):
        return self.net(x)


class Student(nn.Module):
    TASKS = ("rhythm", "rate", "align")

    def __init__(self, teacher_dim, c=8):
        super().__init__()
        self.backbone = Backbone(c)
        self.rhythm = nn.Linear(self.backbone.dim, 4)
        self.rate = nn.Linear(self.backbone.dim, 1)
        self.align = nn.Linear(self.backbone.dim, teacher_dim)
        self.log_var = nn.ParameterDict({t: nn.Parameter(torch.zeros(())) for t in self.TASKS})

    def losses(self, x, cls, rate, teacher):
        h = self.backbone(x)
        return {
            "rhythm": F.cross_entropy(self.rhythm(h), cls),
            "rate": F.mse_loss(self.rate(h)[:, 0], rate),
            "align": -F.cosine_similarity(self.align(h), teacher).mean(),
        }

    def combine(self, losses):
        # Kendall, Gal & Cipolla 2018
        return sum(torch.exp(-self.log_var[t]) * l + self.log_var[t] for t, l in losses.items())


def main():
    torch.manual_seed(61)
    train, test = BeatFactory(4000, 1), BeatFactory(500, 2)
    teacher = nn.Sequential(nn.Flatten(), nn.Linear(160, 64), nn.Tanh(), nn.Linear(64, 32)).requires_grad_(False)
    student = Student(32)
    opt = torch.optim.Adam(student.parameters(), lr=1e-2)
    for step in range(800):
        idx = torch.randint(0, 4000, (48,))
        with torch.no_grad():
            target = teacher(train.x[idx])
        parts = student.losses(train.x[idx], train.cls[idx], train.rate[idx], target)
        loss = student.combine(parts)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 100 == 0:
            s = {t: round(math.exp(-v.item()), 3) for t, v in student.log_var.items()}
            print(step, "total %.3f" % loss.item(), {k: round(v.item(), 3) for k, v in parts.items()}, "weights", s)
    student.eval()
    with torch.no_grad():
        acc = (student.rhythm(student.backbone(test.x)).argmax(1) == test.cls).float().mean().item()
    print("test rhythm accuracy %.3f" % acc)


if __name__ == "__main__":
    main()
