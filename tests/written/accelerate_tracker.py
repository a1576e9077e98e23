"""accelerate: the tracker that `Accelerator(log_with="tensorboard")` gives a training loop."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from accelerate import Accelerator

from tests.written import truth
from tests.written.truth import Record, Truth, Truths

CASES = ("tensorboard",)
STEPS = 10


def write(out: Path) -> Truths:
    torch.set_num_threads(1)
    record = Record()
    accelerator = Accelerator(cpu=True, log_with="tensorboard", project_dir=out / "tensorboard")
    accelerator.init_trackers("net", config={"lr": 0.1, "steps": STEPS})
    layer = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    layer, optimizer = accelerator.prepare(layer, optimizer)
    for step in range(STEPS):
        loss = layer(torch.randn(8, 4)).square().mean()
        optimizer.zero_grad()
        accelerator.backward(loss)
        norm = accelerator.clip_grad_norm_(layer.parameters(), 1.0)
        optimizer.step()
        values = {"train_loss": loss.item(), "grad_norm": norm.item() if step < 8 else math.nan}
        parts = {"first": step / 2, "second": -step}
        accelerator.log({**values, "text": "no number", "parts": parts}, step=step)
        record.add(step, values | {f"parts/{name}": value for name, value in parts.items()})
    accelerator.end_training()
    return {"tensorboard": {"": Truth(record.series, keeps="float32")}}


if __name__ == "__main__":
    truth.main(write)
