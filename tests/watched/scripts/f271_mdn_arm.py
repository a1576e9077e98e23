"""Log of zero: the mixture density of 63 coordinates underflows in float32.

[truth]
family = "unstable_loss"
causes = ["log_of_zero", "overflow_or_log_of_zero"]
step = 23
phase = "loss"
"""
"""Mixture density network: next pose of a hand (21 joints, xyz) given the current pose and the grasp phase."""
import math
import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(0)
J, K = 63, 4


class MDN(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(J + 1, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.pi = nn.Linear(hidden, K)
        self.mu = nn.Linear(hidden, K * J)
        self.log_sigma = nn.Linear(hidden, K)

    def forward(self, x):
        h = self.trunk(x)
        return torch.softmax(self.pi(h), -1), self.mu(h).view(-1, K, J), self.log_sigma(h).exp().unsqueeze(-1)


def mdn_loss(pi, mu, sigma, t):
    z = (t.unsqueeze(1) - mu) / sigma
    pdf = torch.exp((-0.5 * z ** 2 - sigma.log() - 0.5 * math.log(2 * math.pi)).sum(-1))
    return -torch.log((pi * pdf).sum(-1)).mean()  # <- culprit


# grasps: open, pinch, fist; the hand relaxes towards one of them
target = 0.8 * torch.randn(3, J)
pose = torch.randn(6000, J) * 0.8
phase = torch.rand(6000, 1)
which = torch.randint(0, 3, (6000,))
nxt = pose + phase * (target[which] - pose) + 0.05 * torch.randn(6000, J)

net = MDN()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
sched = torch.optim.lr_scheduler.StepLR(opt, 1500, 0.5)
for i in range(2400):
    b = torch.randint(0, 6000, (128,))
    loss = mdn_loss(*net(torch.cat([pose[b], phase[b]], 1)), nxt[b])
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 10.0)
    opt.step()
    sched.step()
    if i % 100 == 0:
        print(i, loss.item())
