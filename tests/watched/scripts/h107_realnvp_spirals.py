"""NLL is negative from about step 20 and settles at -4.1 (bounded by the data's noise); scales
bounded by tanh.

[truth]
family = "healthy"
causes = []
"""
"""RealNVP on a thin 2-D spiral: the NLL falls below zero and keeps falling slowly (densities exceed 1)."""
import math
import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(2)


class Coupling(nn.Module):
    def __init__(self, flip):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 2))

    def forward(self, x):
        a, b = x.flip(1).chunk(2, 1) if self.flip else x.chunk(2, 1)
        s, t = self.net(a).chunk(2, 1)
        s = 2 * torch.tanh(s / 2)
        z = torch.cat([a, b * s.exp() + t], 1)
        return (z.flip(1) if self.flip else z), s.squeeze(1)


def spiral(n):
    r = torch.rand(n).sqrt()
    th = 3 * r
    return 0.3 * torch.stack([r * torch.cos(th), r * torch.sin(th)], 1) + 0.005 * torch.randn(n, 2)


flow = nn.ModuleList(Coupling(bool(i % 2)) for i in range(6))
opt = torch.optim.Adamax(flow.parameters(), lr=4e-3)
for step in range(700):
    z, logdet = spiral(128), 0.0
    for layer in flow:
        z, ld = layer(z)
        logdet = logdet + ld
    nll = (0.5 * z.square().sum(1) + math.log(2 * math.pi) - logdet).mean()
    opt.zero_grad()
    nll.backward()
    nn.utils.clip_grad_norm_(flow.parameters(), 10.0)
    opt.step()
    if step % 50 == 0:
        print(f"{step:4d} nll {nll.item():+.3f}")
