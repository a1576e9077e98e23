"""A distance, sqrt of a sum of squares, meets two equal images: its gradient at 0 is undefined."""

# mypy: allow-untyped-calls
import sys

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

VERDICT = "unstable_loss"
CAUSE = "undefined_gradient"

torch.manual_seed(10)
torch.set_num_threads(1)

identities = torch.randn(30, 20)
encoder = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 8))
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-3)
writer = SummaryWriter(sys.argv[1])

for step in range(260):
    first, second = torch.randint(0, 30, (2, 48))
    second[:24] = first[:24]
    left = identities[first] + 0.3 * torch.randn(48, 20)
    right = identities[second] + 0.3 * torch.randn(48, 20)
    if step == 203:  # the same photograph was uploaded twice
        right[5] = left[5]
    same = (first == second).float()

    distance = (encoder(left) - encoder(right)).pow(2).sum(1).sqrt()
    loss = (same * distance.pow(2) + (1 - same) * (1.0 - distance).clamp_min(0).pow(2)).mean()
    optimizer.zero_grad()
    loss.backward()
    grad_norm = nn.utils.clip_grad_norm_(encoder.parameters(), float("inf"))
    optimizer.step()
    writer.add_scalar("contrastive_loss", loss.item(), step)
    writer.add_scalar("grad_norm", grad_norm.item(), step)
    writer.add_scalar("lr", 1e-3, step)

writer.close()
