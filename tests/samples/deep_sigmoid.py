"""Ten sigmoid layers: the gradient shrinks at each one and nothing reaches the first layers."""

# mypy: allow-untyped-calls
import sys

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

VERDICT = "stalled_training"
CAUSE = "vanishing_gradients"

torch.manual_seed(15)
torch.set_num_threads(1)

layers: list[nn.Module] = []
for width in [16] + [32] * 9:
    layers += [nn.Linear(width, 32), nn.Sigmoid()]
model = nn.Sequential(*layers, nn.Linear(32, 10))
prototypes = torch.randn(10, 16)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
writer = SummaryWriter(sys.argv[1])

for step in range(500):
    labels = torch.randint(0, 10, (64,))
    loss = nn.functional.cross_entropy(model(prototypes[labels] + torch.randn(64, 16)), labels)
    optimizer.zero_grad()
    loss.backward()
    grad_norm = nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
    optimizer.step()
    if step % 5 == 0:
        writer.add_scalar("train/loss", loss.item(), step)
        writer.add_scalar("train/grad_norm", grad_norm.item(), step)
        writer.add_scalar("train/lr", 0.1, step)
        for name, parameter in model.named_parameters():
            if parameter.grad is not None and name.endswith("weight"):
                writer.add_scalar(f"gradient_norm/{name}", parameter.grad.norm().item(), step)

writer.close()
