"""Prompt tokens are masked out of the loss, and one batch holds nothing but prompts: 0 / 0."""

# mypy: allow-untyped-calls
import sys

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

VERDICT = "bad_data"
CAUSE = "empty_targets"

VOCABULARY = 40
LENGTH = 16
IGNORED = -100

torch.manual_seed(9)
torch.set_num_threads(1)

successor = torch.randperm(VOCABULARY)
model = nn.Sequential(nn.Embedding(VOCABULARY, 32), nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 40))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
writer = SummaryWriter(sys.argv[1])

for step in range(300):
    tokens = [torch.randint(0, VOCABULARY, (16, 1))]
    for _ in range(LENGTH):
        follow = torch.rand(16, 1) < 0.8
        tokens.append(
            torch.where(follow, successor[tokens[-1]], torch.randint(0, VOCABULARY, (16, 1)))
        )
    sequence = torch.cat(tokens, 1)
    prompt_length = torch.randint(2, LENGTH - 2, (16, 1))
    if step == 187:  # a shard of examples whose answers were all cut off
        prompt_length[:] = LENGTH
    labels = sequence[:, 1:].masked_fill(torch.arange(LENGTH) < prompt_length, IGNORED)

    logits = model(sequence[:, :-1])
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
    optimizer.zero_grad()
    loss.backward()
    grad_norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    writer.add_scalar("train/loss", loss.item(), step)
    writer.add_scalar("train/grad_norm", grad_norm.item(), step)
    writer.add_scalar("train/learning_rate", 3e-3, step)

writer.close()
