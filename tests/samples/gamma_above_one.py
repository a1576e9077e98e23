"""StepLR with gamma=10 instead of 0.1: at the first milestone the learning rate rises tenfold."""

# mypy: allow-untyped-calls
import sys

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

VERDICT = "exploding_gradients"
CAUSE = "learning_rate_schedule"

torch.manual_seed(5)
torch.set_num_threads(1)


class ResidualBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.inner(x)
        return x + y


prototypes = torch.randn(5, 24)
model = nn.Sequential(
    nn.Linear(24, 48), ResidualBlock(48), ResidualBlock(48), ResidualBlock(48), nn.Linear(48, 5)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=100, gamma=10)
writer = SummaryWriter(sys.argv[1])

for step in range(180):
    labels = torch.randint(0, 5, (48,))
    inputs = prototypes[labels] + 1.5 * torch.randn(48, 24)
    loss = nn.functional.cross_entropy(model(inputs), labels)
    optimizer.zero_grad()
    loss.backward()
    grad_norm = nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
    writer.add_scalar("Loss/train", loss.item(), step)
    writer.add_scalar("Gradients/norm", grad_norm.item(), step)
    writer.add_scalar("LR", scheduler.get_last_lr()[0], step)
    optimizer.step()
    scheduler.step()

writer.close()
