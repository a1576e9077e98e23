"""Healthy: the loss scale probes its limit, so now and then a step is skipped and it halves."""

# mypy: allow-untyped-calls
import sys

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

VERDICT = "healthy"
CAUSE = None

torch.manual_seed(28)
torch.set_num_threads(1)

prototypes = torch.randn(10, 24)
model = nn.Sequential(nn.Linear(24, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
scaler = torch.amp.GradScaler("cpu", growth_interval=50)
writer = SummaryWriter(sys.argv[1])

for step in range(400):
    labels = torch.randint(0, 10, (32,))
    inputs = prototypes[labels] + 1.2 * torch.randn(32, 24)
    with torch.autocast("cpu", torch.float16):
        logits = model(inputs)
    loss = nn.functional.cross_entropy(logits.float(), labels)
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    grad_norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    writer.add_scalar("train/loss", loss.item(), step)
    writer.add_scalar("train/grad_norm", grad_norm.item(), step)
    writer.add_scalar("train/loss_scale", scaler.get_scale(), step)

writer.close()
