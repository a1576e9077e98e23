"""One measurement has lost its decimal point: plain SGD never recovers from that batch."""

# mypy: allow-untyped-calls
import sys

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

VERDICT = "bad_data"
CAUSE = "outlier_batch"

BATCH = 32

torch.manual_seed(4)
torch.set_num_threads(1)

features = torch.randn(8000, 10)
prices = torch.tanh(features @ torch.randn(10, 1)) + 0.1 * torch.randn(8000, 1)
features[5291, 3] = 8000.0

model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
writer = SummaryWriter(sys.argv[1])

for step, rows in enumerate(torch.arange(8000).split(BATCH)):
    loss = nn.functional.mse_loss(model(features[rows]), prices[rows])
    optimizer.zero_grad()
    loss.backward()
    grad_norm = nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
    optimizer.step()
    writer.add_scalar("train/loss", loss.item(), step)
    writer.add_scalar("train/grad_norm", grad_norm.item(), step)
    writer.add_scalar("train/learning_rate", optimizer.param_groups[0]["lr"], step)

writer.close()
