"""SGD with a learning rate above 2 / curvature: every step overshoots further than the last."""

# mypy: allow-untyped-calls
import sys

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

VERDICT = "exploding_gradients"
CAUSE = "learning_rate_too_high"

LEARNING_RATE = 1.0

torch.manual_seed(7)
torch.set_num_threads(1)

features = torch.randn(512, 12)
prices = features @ torch.randn(12, 1) + 0.3 * torch.sin(3 * features[:, :1])

model = nn.Linear(12, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
writer = SummaryWriter(sys.argv[1])

for step in range(120):
    rows = torch.randint(0, 512, (64,))
    loss = nn.functional.mse_loss(model(features[rows]), prices[rows])
    optimizer.zero_grad()
    loss.backward()
    grad_norm = nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
    optimizer.step()

    writer.add_scalar("train/loss", loss.item(), step)
    writer.add_scalar("train/grad_norm", grad_norm.item(), step)
    writer.add_scalar("train/lr", optimizer.param_groups[0]["lr"], step)

writer.close()
