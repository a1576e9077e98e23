"""Trains a rectified recurrent net on the adding problem, with sequences that get longer in stages.

[truth]
family = "exploding_gradients"
causes = ["recurrent_growth", "poor_initialization"]
step = 160
"""
import torch
from torch import nn


class Momentum(torch.optim.Optimizer):
    """Plain heavy-ball descent."""

    def __init__(self, params, lr, mu=0.9):
        super().__init__(params, dict(lr=lr, mu=mu))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                v = self.state[p].setdefault("v", torch.zeros_like(p))
                v.mul_(group["mu"]).add_(p.grad)
                p.sub_(v, alpha=group["lr"])


class RectRNN(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.inp = nn.Linear(2, hidden)
        self.rec = nn.Linear(hidden, hidden, bias=False)
        self.out = nn.Linear(hidden, 1)
        nn.init.normal_(self.inp.weight, std=0.1)
        nn.init.zeros_(self.inp.bias)
        with torch.no_grad():
            self.rec.weight.copy_(torch.eye(hidden) * 1.15)

    def forward(self, x):
        h = x.new_zeros(x.shape[0], self.rec.in_features)
        for t in range(x.shape[1]):
            h = torch.relu(self.inp(x[:, t]) + self.rec(h))
        return self.out(h).squeeze(-1)


def problem(n, length):
    x = torch.rand(n, length)
    marks = torch.zeros(n, length)
    marks.scatter_(1, torch.rand(n, length).topk(2, 1).indices, 1.0)
    return torch.stack([x, marks], -1), (x * marks).sum(1)


torch.manual_seed(6)
net = RectRNN()
opt = Momentum(net.parameters(), lr=0.002)
step = 0
for length, n_steps in [(4, 80), (8, 80), (40, 120)]:
    for _ in range(n_steps):
        x, y = problem(32, length)
        loss = nn.functional.mse_loss(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 20 == 0:
            print(f"length {length} step {step} loss {loss.item():.4g}")
        step += 1
