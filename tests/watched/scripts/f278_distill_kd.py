"""StepLR stepped per batch instead of per epoch: learning rate collapses within ~25 batches.

[truth]
family = "stalled_training"
causes = ["collapsed_learning_rate"]
"""
"""Knowledge distillation: a wide teacher into a narrow student with fake-quantised activations."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class FakeQuant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale):
        q = (x / scale).round()
        ctx.save_for_backward((q >= -128) & (q <= 127))
        return q.clamp(-128, 127) * scale

    @staticmethod
    def backward(ctx, g):
        (inside,) = ctx.saved_tensors
        return g * inside, None


class QLinear(nn.Linear):
    def forward(self, x):
        w = FakeQuant.apply(self.weight, self.weight.detach().abs().max() / 127)
        return F.linear(FakeQuant.apply(x, 0.05), w, self.bias)


def spirals(n, arms=4):
    c = torch.randint(0, arms, (n,))
    r = torch.rand(n)
    th = 4.0 * r + c * 2 * torch.pi / arms + 0.12 * torch.randn(n)
    return torch.stack([r * th.cos(), r * th.sin()], -1) * 3, c


class Distiller:
    def __init__(self, epochs=14, temp=3.0):
        self.teacher = nn.Sequential(nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 4))
        self.student = nn.Sequential(QLinear(2, 32), nn.ReLU(), QLinear(32, 32), nn.ReLU(), QLinear(32, 4))
        self.temp, self.epochs = temp, epochs
        self.x, self.y = spirals(4000)
        self.xv, self.yv = spirals(800)

    def fit_teacher(self):
        opt = torch.optim.Adam(self.teacher.parameters(), lr=5e-3)
        for ep in range(6):
            for b in torch.randperm(len(self.x)).split(64):
                loss = F.cross_entropy(self.teacher(self.x[b]), self.y[b])
                opt.zero_grad(); loss.backward(); opt.step()
        print("teacher acc", self.acc(self.teacher))

    @torch.no_grad()
    def acc(self, m):
        return (m(self.xv).argmax(1) == self.yv).float().mean().item()

    def fit_student(self):
        opt = torch.optim.Adam(self.student.parameters(), lr=4e-3)
        sched = torch.optim.lr_scheduler.StepLR(opt, step_size=5, gamma=0.3)
        for ep in range(self.epochs):
            tot = 0.0
            for b in torch.randperm(len(self.x)).split(64):
                with torch.no_grad():
                    t = F.softmax(self.teacher(self.x[b]) / self.temp, -1)
                s = self.student(self.x[b])
                kd = F.kl_div(F.log_softmax(s / self.temp, -1), t, reduction="batchmean") * self.temp ** 2
                loss = 0.7 * kd + 0.3 * F.cross_entropy(s, self.y[b])
                opt.zero_grad()
                loss.backward()
                opt.step()
                sched.step()
                tot += loss.item() * len(b)
            print(f"student epoch {ep} loss {tot / len(self.x):.4f} acc {self.acc(self.student):.3f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(5)
    d = Distiller()
    d.fit_teacher()
    d.fit_student()
