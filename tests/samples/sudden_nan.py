"""A missing value in the table turns every weight into NaN at once; the log cannot tell why."""

# mypy: allow-untyped-calls
import sys

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

VERDICT = "inconclusive"
CAUSE = None

BATCH = 32

torch.manual_seed(17)
torch.set_num_threads(1)

readings = torch.randn(9600, 9)
failures = (readings @ torch.randn(9) + 0.5 * torch.randn(9600) > 0).float()
readings[6613, 2] = float("nan")

model = nn.Sequential(nn.Linear(9, 48), nn.ReLU(), nn.Linear(48, 1), nn.Flatten(0))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
criterion = nn.BCEWithLogitsLoss()
writer = SummaryWriter(sys.argv[1])

for step, rows in enumerate(torch.arange(9600).split(BATCH)):
    loss = criterion(model(readings[rows]), failures[rows])
    optimizer.zero_grad()
    loss.backward()
    grad_norm = nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()
    writer.add_scalar("train_loss", loss.item(), step)
    writer.add_scalar("train_grad_norm", grad_norm.item(), step)
    writer.add_scalar("lr", optimizer.param_groups[0]["lr"], step)

writer.close()
