"""The cosine factor multiplies the already decayed lr at every step, so lr compounds: 4e-4, 2.4e-4
at step 80, 6.7e-5 at 120, 5.8e-6 at 160, 1e-7 at 200, 0 at the end.

[truth]
family = "stalled_training"
causes = ["collapsed_learning_rate"]
step = 180
window = 120
"""
"""Knowledge distillation of a fixed teacher into a small student (synthetic digits-like data)."""
import math
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def cosine_factor(it, total):
    return 0.5 * (1 + math.cos(math.pi * it / total))


class Distiller:
    def __init__(self, teacher, student, lr=0.01, T=3.0, alpha=0.7, total=900):
        self.teacher, self.student = teacher.eval().requires_grad_(False), student
        self.T, self.alpha = T, alpha
        self.total = total
        self.opt = torch.optim.SGD(student.parameters(), lr=lr, momentum=0.9, weight_decay=1e-4)
        self.it = 0

    def adjust_lr(self):
        f = cosine_factor(self.it, self.total)
        for group in self.opt.param_groups:
            group["lr"] = group["lr"] * f

    def loss(self, x, y):
        s = self.student(x)
        with torch.no_grad():
            t = self.teacher(x)
        soft = F.kl_div(F.log_softmax(s / self.T, 1), F.softmax(t / self.T, 1), reduction="batchmean") * self.T ** 2
        return self.alpha * soft + (1 - self.alpha) * F.cross_entropy(s, y), s

    def step(self, x, y):
        self.adjust_lr()
        loss, s = self.loss(x, y)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.it += 1
        return loss.item(), (s.argmax(1) == y).float().mean().item()


def make_data(n=4000, dim=49, k=10):
    protos = torch.randn(k, dim)
    y = torch.randint(0, k, (n,))
    x = protos[y] + 1.6 * torch.randn(n, dim)
    return protos, TensorDataset(x, y)


class BayesTeacher(nn.Module):
    """posterior of the generating mixture, so it needs no training"""

    def __init__(self, protos, sigma):
        super().__init__()
        self.register_buffer("w", protos / sigma ** 2)
        self.register_buffer("b", -0.5 * protos.pow(2).sum(1) / sigma ** 2)

    def forward(self, x):
        return x @ self.w.t() + self.b


def main():
    torch.manual_seed(21)
    torch.set_num_threads(1)
    protos, data = make_data()
    student = nn.Sequential(nn.Linear(49, 40), nn.ReLU(), nn.Linear(40, 10))
    kd = Distiller(BayesTeacher(protos, 1.6), student, lr=4e-4)
    loader = DataLoader(data, batch_size=40, shuffle=True)
    for epoch in range(9):
        m = [kd.step(x, y) for x, y in loader]
        print("epoch %d  loss %.4f  acc %.3f" % (epoch, sum(a for a, _ in m) / len(m), sum(b for _, b in m) / len(m)))


if __name__ == "__main__":
    main()
