"""Feature distillation into a smaller net with Adam and cosine warm restarts; the loss ends very near zero.

[truth]
family = "healthy"
causes = []
"""
import torch
import torch.nn as nn
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts
from tqdm import trange


class Teacher(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(12, 128), nn.Linear(128, 8)

    @torch.no_grad()
    def forward(self, x):
        return 0.2 * self.b(torch.tanh(self.a(x)))


def student():
    return nn.Sequential(nn.Linear(12, 96), nn.Tanh(), nn.Linear(96, 8))


def main():
    torch.manual_seed(33)
    teacher, net = Teacher(), student()
    probe = torch.randn(2000, 12)
    var = teacher(probe).var().item()
    opt = torch.optim.Adam(net.parameters(), lr=2e-2)
    sched = CosineAnnealingWarmRestarts(opt, T_0=200, T_mult=2, eta_min=1e-5)
    bar = trange(1400, disable=None)
    for step in bar:
        x = torch.randn(64, 12)
        loss = nn.functional.mse_loss(net(x), teacher(x))
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        bar.set_postfix(loss=f"{loss.item():.2e}")
        if step % 100 == 99:
            with torch.no_grad():
                e = nn.functional.mse_loss(net(probe), teacher(probe)).item()
            print(f"step {step + 1} lr {sched.get_last_lr()[0]:.4f} loss {loss.item():.3e} unexplained {e / var:.4f}")


if __name__ == "__main__":
    main()
