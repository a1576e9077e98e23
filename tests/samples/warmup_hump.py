"""Healthy: the loss humps while the warm-up passes its peak, then settles lower than before."""

# mypy: allow-untyped-calls
import sys

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

VERDICT = "healthy"
CAUSE = None

WARMUP_STEPS = 120
TOTAL_STEPS = 400
PEAK_LEARNING_RATE = 1.3

torch.manual_seed(21)
torch.set_num_threads(1)


def schedule(step: int) -> float:
    if step < WARMUP_STEPS:
        return (step + 1) / WARMUP_STEPS
    return 1.0 - (step - WARMUP_STEPS) / (TOTAL_STEPS - WARMUP_STEPS)


mixing = torch.randn(16, 2)
model = nn.Sequential(nn.Linear(16, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=PEAK_LEARNING_RATE)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
writer = SummaryWriter(sys.argv[1])

for step in range(TOTAL_STEPS):
    x = torch.randn(64, 16)
    y = torch.tanh(x @ mixing) + 0.1 * torch.randn(64, 2)
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    grad_norm = nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
    optimizer.step()
    writer.add_scalar("train/loss", loss.item(), step)
    writer.add_scalar("train/grad_norm", grad_norm.item(), step)
    writer.add_scalar("train/learning_rate", scheduler.get_last_lr()[0], step)
    scheduler.step()

writer.close()
