"""Healthy: killed at step 200 and resumed from the checkpoint of step 150, in the same log file."""

# mypy: allow-untyped-calls
import csv
import io
import sys
from pathlib import Path

import torch
from torch import nn

VERDICT = "healthy"
CAUSE = None

torch.set_num_threads(1)
log_path = Path(sys.argv[1], "train_log.csv")
targets_from = torch.randn(10, 2, generator=torch.Generator().manual_seed(30))
checkpoint = io.BytesIO()


def train(start: int, killed_at: int) -> None:
    torch.manual_seed(30 + start)
    model = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    if start:
        checkpoint.seek(0)
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
    with log_path.open("a", newline="") as file:
        log = csv.writer(file)
        if not start:
            log.writerow(["step", "loss", "grad_norm", "lr"])
        for step in range(start, killed_at):
            x = torch.randn(64, 10)
            loss = nn.functional.l1_loss(model(x), torch.sin(0.4 * x @ targets_from))
            optimizer.zero_grad()
            loss.backward()
            grad_norm = nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
            optimizer.step()
            log.writerow([step, loss.item(), grad_norm.item(), 3e-3])
            if step + 1 == 150:
                state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
                torch.save(state, checkpoint)


train(0, 200)
train(150, 400)
