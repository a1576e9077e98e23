"""RealNVP: negative log-likelihood goes 1.9 -> -3.2, as the data is thin; log-scales are bounded
by tanh, clip at 20 is often active (gnorm about 20 to 50); converges to a plateau.

[truth]
family = "healthy"
causes = []
"""
# RealNVP on thin 2-d data; log-likelihood in nats
import torch, math
from torch import nn

class Coupling(nn.Module):
    def __init__(s, flip, h=48):
        super().__init__(); s.flip = flip
        s.net = nn.Sequential(nn.Linear(1, h), nn.Tanh(), nn.Linear(h, h), nn.Tanh(), nn.Linear(h, 2))
        nn.init.zeros_(s.net[-1].weight); nn.init.zeros_(s.net[-1].bias)
    def forward(s, x):
        a, b = x[:, :1], x[:, 1:]
        if s.flip: a, b = b, a
        ls, t = s.net(a).chunk(2, 1)
        ls = 2 * torch.tanh(ls / 2)
        b = b * ls.exp() + t
        return (torch.cat([b, a], 1) if s.flip else torch.cat([a, b], 1)), ls.squeeze(1)

class Flow(nn.Module):
    def __init__(s, k=8):
        super().__init__(); s.layers = nn.ModuleList(Coupling(i % 2 == 1) for i in range(k))
    def log_prob(s, x):
        ld = 0
        for l in s.layers:
            x, d = l(x); ld = ld + d
        return -0.5 * (x ** 2).sum(1) - math.log(2 * math.pi) + ld

def banana(n):
    a = torch.randn(n)
    return torch.stack([a, 0.5 * a ** 2 - 0.5 + 0.02 * torch.randn(n)], 1) * 0.3

torch.manual_seed(6); torch.set_num_threads(1)
flow = Flow(); opt = torch.optim.Adam(flow.parameters(), 2e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 700)
for it in range(700):
    loss = -flow.log_prob(banana(128)).mean()
    opt.zero_grad(); loss.backward()
    nn.utils.clip_grad_norm_(flow.parameters(), 20.0)
    opt.step(); sched.step()
    if it % 50 == 0: print('it', it, 'nll', round(loss.item(), 3))
