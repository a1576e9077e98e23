"""Healthy: a negative log-likelihood crosses zero and settles at the entropy of the noise."""

# mypy: allow-untyped-calls
import sys

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

VERDICT = "healthy"
CAUSE = None

torch.manual_seed(26)
torch.set_num_threads(1)

model = nn.Sequential(nn.Linear(3, 48), nn.Tanh(), nn.Linear(48, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=600)
criterion = nn.GaussianNLLLoss(eps=1e-4)
writer = SummaryWriter(sys.argv[1])

for step in range(600):
    x = torch.randn(64, 3)
    y = torch.sin(x[:, 0]) + 0.3 * x[:, 1] + (0.05 + 0.05 * x[:, 2].abs()) * torch.randn(64)
    mean, log_variance = model(x).unbind(1)
    loss = criterion(mean, y, log_variance.exp())
    optimizer.zero_grad()
    loss.backward()
    grad_norm = nn.utils.clip_grad_norm_(model.parameters(), 10.0)
    optimizer.step()
    if step % 10 == 0:
        writer.add_scalar("nll", loss.item(), step)
        writer.add_scalar("grad_norm", grad_norm.item(), step)
        writer.add_scalar("lr", scheduler.get_last_lr()[0], step)
    scheduler.step()

writer.close()
