"""Activations outgrow float16: every forward pass gives NaN and halves the loss scale."""

# mypy: allow-untyped-calls
import sys

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

VERDICT = "unstable_loss"
CAUSE = "half_precision_overflow"

VOCABULARY = 20

torch.manual_seed(14)
torch.set_num_threads(1)


class SquaredReLU(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x).square()


embedding = nn.Embedding(VOCABULARY, 32)
nn.init.normal_(embedding.weight, std=32**0.5)
model = nn.Sequential(
    embedding,
    nn.Linear(32, 64),
    SquaredReLU(),
    nn.Linear(64, 64),
    SquaredReLU(),
    nn.Linear(64, 32),
    nn.LayerNorm(32),
    nn.Linear(32, VOCABULARY),
)
successor = torch.randperm(VOCABULARY)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
scaler = torch.amp.GradScaler("cpu")
writer = SummaryWriter(sys.argv[1])

for step in range(260):
    tokens = torch.randint(0, VOCABULARY, (16, 16))
    follow = torch.rand(16, 16) < 0.7
    following = torch.where(follow, successor[tokens], torch.randint(0, VOCABULARY, (16, 16)))
    with torch.autocast("cpu", torch.float16):
        logits = model(tokens)
    loss = nn.functional.cross_entropy(logits.float().flatten(0, 1), following.flatten())
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    grad_norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    writer.add_scalar("train/loss", loss.item(), step)
    writer.add_scalar("train/grad_norm", grad_norm.item(), step)
    writer.add_scalar("train/learning_rate", 1e-2, step)
    writer.add_scalar("train/loss_scale", scaler.get_scale(), step)

writer.close()
