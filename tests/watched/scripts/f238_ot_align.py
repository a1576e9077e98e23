"""NaN loss at step 0, before any update.

[truth]
family = "unstable_loss"
causes = ["division_by_zero", "undefined_operation", "overflow_or_log_of_zero"]
step = 0
phase = "loss"
"""
# Domain adaptation: map "lab B" measurements on "lab A" with an entropic OT loss (Cuturi 2013)
import torch
from torch import nn

torch.manual_seed(37)
torch.set_num_threads(1)


def lab_a(n):
    z = torch.distributions.StudentT(4.0).sample((n, 2))
    return z * torch.tensor([0.5, 0.3])


def lab_b(n):
    z = torch.distributions.StudentT(4.0).sample((n, 2)) * torch.tensor([0.5, 0.3])
    rot = torch.tensor([[0.6, -0.8], [0.8, 0.6]])
    return z @ rot.t() * 0.9 + 0.3 + 0.05 * torch.sin(4 * z)


class Mapper(nn.Module):
    """starts as the identity"""

    def __init__(self, hidden=64):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, hidden), nn.Softplus(), nn.Linear(hidden, hidden), nn.Softplus(),
                                 nn.Linear(hidden, 2))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x):
        return x + self.net(x)


def sinkhorn(x, y, eps=0.03, iters=20):
    """entropic OT cost between two uniform empirical measures"""
    C = torch.cdist(x, y) ** 2
    K = torch.exp(-C / eps)
    a = torch.full((len(x),), 1.0 / len(x))
    b = torch.full((len(y),), 1.0 / len(y))
    v = torch.ones_like(b)
    for _ in range(iters):
        u = a / (K @ v)  # <- culprit
        v = b / (K.t() @ u)
    P = u[:, None] * K * v[None]
    return (P * C).sum()


net = Mapper()
optim = torch.optim.Adam(net.parameters(), lr=3e-3)
history = []
for it in range(1, 401):
    loss = sinkhorn(net(lab_b(64)), lab_a(64))
    optim.zero_grad()
    loss.backward()
    optim.step()
    history.append(loss.item())
    if it % 25 == 0:
        print("iter {:4d}   OT cost {:.5f}".format(it, sum(history[-25:]) / 25))
