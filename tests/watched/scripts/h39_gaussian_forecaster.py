"""GRU with a Gaussian head that forecasts a noisy wave by maximum likelihood (the loss becomes negative).

[truth]
family = "healthy"
causes = []
"""
import math

import torch
import torch.nn as nn

torch.manual_seed(17)


def waves(n, length=24):
    f = 0.2 + 0.3 * torch.rand(n, 1)
    p = 2 * math.pi * torch.rand(n, 1)
    t = torch.arange(length + 1).float()
    return 0.3 * torch.sin(f * t + p) + 0.01 * torch.randn(n, length + 1)


class ProbabilisticGRU(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.mu = nn.Linear(hidden, 1)
        self.log_sigma = nn.Linear(hidden, 1)

    def forward(self, x):
        h, _ = self.gru(x.unsqueeze(-1))
        return self.mu(h).squeeze(-1), self.log_sigma(h).squeeze(-1).clamp(-6, 3)


def nll(mu, log_sigma, y):
    return (log_sigma + 0.5 * ((y - mu) / log_sigma.exp()) ** 2).mean()


model = ProbabilisticGRU()
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(300):
    w = waves(64)
    loss = nll(*model(w[:, :-1]), w[:, 1:])
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    opt.step()
    if step % 50 == 0 or step == 299:
        print(f"step {step}: nll {loss.item():.3f}")
