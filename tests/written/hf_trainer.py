"""Hugging Face Trainer: trainer_state.json with its checkpoints, event files, and the console.

The console of transformers 4, which printed its numbers without quotes, is written by hand.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, TrainerCallback, TrainingArguments, set_seed

from tests.written import truth
from tests.written.truth import Record, Truth, Truths

CASES = (
    "state", "output", "tensorboard", "filtered", "stdout", "stderr_and_stdout", "stdout_4",
)  # fmt: skip
KILLED_AT, RESUMED_AT, LAST = 12, 10, 20
POISONED = 16
"""From this step on the loss is NaN, and so are the gradients and the weights."""
RENAMED = ("eval_", "eval/")


class Regression(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def forward(self, inputs: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        predicted = self.layer(inputs)
        return {"loss": torch.nn.functional.mse_loss(predicted, labels), "logits": predicted}


class Recorder(TrainerCallback):
    """A callback that keeps what the trainer logs, and stops it where it is told to."""

    def __init__(self, stop: int) -> None:
        self.stop = stop
        self.record = Record()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        control.should_training_stop = state.global_step == self.stop

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.record.add(state.global_step, kwargs["logs"])


class PoisonedTrainer(Trainer):
    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        loss = super().compute_loss(*args, **kwargs)
        poisoned = self.model.training and self.state.global_step >= POISONED
        return loss * torch.nan if poisoned else loss


class Rows(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    def __init__(self, count: int) -> None:
        self.inputs = torch.randn(count, 4)

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        inputs = self.inputs[index]
        return {"inputs": inputs, "labels": inputs.sum(0, keepdim=True)}


def train(output: Path, stop: int, checkpoint: Path | None = None, **options: Any) -> Record:
    set_seed(0)
    recorder = Recorder(stop)
    settings: dict[str, Any] = {"logging_nan_inf_filter": False, "report_to": ["tensorboard"]}
    arguments = TrainingArguments(
        output_dir=str(output),
        max_steps=LAST,
        per_device_train_batch_size=2,
        learning_rate=0.05,
        logging_steps=1,
        eval_strategy="steps",
        eval_steps=5,
        save_steps=5,
        use_cpu=True,
        dataloader_pin_memory=False,
        logging_first_step=True,
        **(settings | options),
    )
    trainer = PoisonedTrainer(
        model=Regression(),
        args=arguments,
        train_dataset=Rows(2 * LAST),
        eval_dataset=Rows(8),
        callbacks=[recorder],
    )
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    trainer.save_state()
    return recorder.record


@contextlib.contextmanager
def console(stdout: Path, stderr: Path | None = None) -> Iterator[None]:
    """Send what the process prints to files, as `> stdout 2> stderr` or `> stdout 2>&1` does."""
    stdout.parent.mkdir(parents=True)
    saved = os.dup(1), os.dup(2)
    with stdout.open("wb") as out, (stderr or Path(os.devnull)).open("wb") as err:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno() if stderr is None else err.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(saved[0], 1)
            os.dup2(saved[1], 2)


def write(out: Path) -> Truths:
    torch.set_num_threads(1)
    output, events = out / "output", out / "tensorboard" / "host"
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(events)
    with console(out / "stderr_and_stdout" / "train.log"):
        killed = train(output, KILLED_AT)
    with console(out / "stdout" / "train.log", out / "stderr.txt"):
        resumed = train(output, LAST, output / f"checkpoint-{RESUMED_AT}")
    # A user's output directory holds the events too.
    (out / "state").mkdir()
    for state in sorted(output.rglob("trainer_state.json")):
        copied = out / "state" / state.relative_to(output)
        copied.parent.mkdir(exist_ok=True)
        shutil.copy(state, copied)
    shutil.copytree(events, output / "runs" / "host")
    (out / "stdout_4").mkdir()
    with (out / "stdout_4" / "train.log").open("w", encoding="utf-8") as log:
        log.writelines(f"{values}\n" for _, values in killed.rows)
    filtered = train(
        out / "filtered", LAST, logging_nan_inf_filter=True, report_to=[], save_strategy="no"
    )
    return truths(killed, resumed, filtered)


def truths(killed: Record, resumed: Record, filtered: Record) -> Truths:
    # The state goes on from the checkpoint; the event files keep the two steps after it as well.
    kept = {n: [p for p in points if p[0] <= RESUMED_AT] for n, points in killed.series.items()}
    ended = ("train_loss", "train_runtime", "train_samples_per_second", "train_steps_per_second")
    state = {name: [*kept.get(name, []), *points] for name, points in resumed.series.items()}
    state |= {name: resumed.series[name] for name in (*ended, "total_flos")}
    both = {name: [*killed.series[name], *points] for name, points in resumed.series.items()}
    events = {tag(name): points for name, points in both.items()}
    return {
        "state": {"": Truth(state, "huggingface")},
        "output": {"": Truth(events, "huggingface", keeps="float32", whole=False)},
        "tensorboard": {"": Truth(events, "huggingface", keeps="float32")},
        "filtered": {"": Truth(filtered.series, "huggingface")},
        "stderr_and_stdout": {"": console_truth(killed)},
        "stdout": {"": console_truth(resumed)},
        "stdout_4": {"": Truth(killed.series, "huggingface", steps=False, whole=False)},
    }


def tag(name: str) -> str:
    """The name under which Trainer hands a metric to TensorBoard."""
    before, after = RENAMED
    return name.replace(before, after, 1) if name.startswith(before) else f"train/{name}"


def console_truth(record: Record) -> Truth:
    return Truth(record.without("total_flos", "epoch"), keeps=".4g", steps=False, whole=False)


if __name__ == "__main__":
    truth.main(write)
