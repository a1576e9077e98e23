"""Learns voice descriptors on the unit sphere with a centre loss.

[truth]
family = "unstable_loss"
causes = ["division_by_zero"]
step = 44
window = 0
phase = "forward"
"""
import torch
from torch import nn


class Descriptor(nn.Module):
    def __init__(self, dim=10):
        super().__init__()
        self.conv = nn.Conv1d(1, 6, 5, stride=2, bias=False)
        self.out = nn.Linear(6 * 14, dim, bias=False)

    def forward(self, x):
        h = torch.relu(self.conv(x.unsqueeze(1))).flatten(1)
        z = torch.relu(self.out(h))
        return z / z.norm(dim=1, keepdim=True)  # <- culprit


class CentreLoss(nn.Module):
    def __init__(self, people, dim=10):
        super().__init__()
        self.centres = nn.Parameter(torch.rand(people, dim))

    def forward(self, z, who):
        own = (z - self.centres[who]).pow(2).sum(1)
        return own.mean() - 0.1 * torch.pdist(self.centres).mean()


torch.manual_seed(41)
people = 12
prototypes = torch.randn(people, 32)
net, criterion = Descriptor(), CentreLoss(people)
params = list(net.parameters()) + list(criterion.parameters())
opt = torch.optim.SGD(params, lr=0.05, momentum=0.9)
for it in range(120):
    who = torch.randint(people, (24,))
    signals = prototypes[who] + 0.8 * torch.randn(24, 32)
    if it % 50 == 44:
        signals[7] = 0.0  # the recorder had not been started
    loss = criterion(net(signals), who)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 20 == 0:
        print("iteration", it, "centre loss", loss.item())
