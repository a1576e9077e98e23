"""Lightning: CSVLogger, TensorBoardLogger, both side by side, a resume, and the progress bar."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import LearningRateMonitor, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.utilities import grad_norm
from torch.utils.data import DataLoader, TensorDataset

from tests.written import truth
from tests.written.truth import Record, Truth, Truths

CASES = ("csv", "tensorboard", "both", "resumed", "two_tables", "console")
BATCHES, EPOCHS = 6, 3
POISONED = 2 * BATCHES + 2
"""The batch, counted over the run, whose loss is infinite: the NaNs after it are real."""
IN_BAR = ("train_loss_step", "train_loss_epoch", "val_loss")


class Regression(LightningModule):
    def __init__(self, rate: float = 0.1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        loss = torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])
        if self.global_step == POISONED:
            loss = loss * torch.inf
        self.log("train_loss", loss, on_step=True, on_epoch=True, prog_bar=True)
        if index % 2:
            self.log("odd/batches", float(index))
        return loss

    def validation_step(self, batch: Any, index: int) -> None:
        loss = torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])
        self.log("val_loss", loss, prog_bar=True)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        self.log_dict(grad_norm(self, norm_type=2))

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=self.hparams["rate"])
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
        return {"optimizer": optimizer, "lr_scheduler": schedule}


class Recorder(Logger):
    """A logger that keeps what all loggers are handed."""

    def __init__(self) -> None:
        super().__init__()
        self.record = Record()

    @property
    def name(self) -> str:
        return "recorder"

    @property
    def version(self) -> int:
        return 0

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to keep."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        assert step is not None
        self.record.add(step, metrics)


def batches(count: int) -> DataLoader[Any]:
    inputs = torch.randn(4 * count, 4)
    return DataLoader(TensorDataset(inputs, inputs.sum(1, keepdim=True)), batch_size=4)


def fit(loggers: list[Logger], epochs: int, checkpoint: Path | None = None) -> Trainer:
    trainer = Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        callbacks=[LearningRateMonitor("step"), TQDMProgressBar(refresh_rate=1)],
        logger=loggers,
    )
    trainer.fit(Regression(), batches(BATCHES), batches(2), ckpt_path=checkpoint)
    return trainer


def write(out: Path) -> Truths:
    torch.set_num_threads(1)
    seed_everything(0, verbose=False)
    first, second = Recorder(), Recorder()
    log = out / "console" / "train.log"
    log.parent.mkdir()
    loggers = [CSVLogger(out / "csv"), TensorBoardLogger(out / "tensorboard"), first]
    with log.open("w", encoding="utf-8") as console, contextlib.redirect_stdout(console):
        trainer = fit(loggers, EPOCHS)
    checkpoint = out / "epoch.ckpt"
    trainer.save_checkpoint(checkpoint)

    # The same two logs in one directory, as with two loggers of one name and version.
    shutil.copytree(out / "tensorboard", out / "both")
    version = "lightning_logs/version_0"
    shutil.copy(out / "csv" / version / "metrics.csv", out / "both" / version)

    # Trained on from the checkpoint: into the same event directory, and into a new table.
    shutil.copytree(out / "tensorboard", out / "resumed")
    shutil.copytree(out / "csv", out / "two_tables")
    table = CSVLogger(out / "two_tables")
    fit([table, TensorBoardLogger(out / "resumed", version=0), second], EPOCHS + 1, checkpoint)
    return truths(first.record, second.record)


def truths(first: Record, second: Record) -> Truths:
    rows, later = first.series, second.series
    # TensorBoardLogger adds this where hyperparameters are saved without a metric.
    rate = {"hp_metric": [(0, -1.0)]}
    both = {name: [*rows[name], *later[name]] for name in rows}
    events = Truth(rows | rate, "lightning", keeps="float32")
    shown = {name: rows[name] for name in IN_BAR}
    return {
        "csv": {"": Truth(rows, "lightning")},
        "tensorboard": {"": events},
        "both": {"": events},
        "resumed": {"": Truth(both | {"hp_metric": [(0, -1.0)] * 2}, "lightning", "float32")},
        "two_tables": {
            "lightning_logs/version_0": Truth(rows, "lightning"),
            "lightning_logs/version_1": Truth(later, "lightning"),
        },
        "console": {"": Truth(shown, keeps=".3g", steps=False, repeats=True, whole=False)},
    }


if __name__ == "__main__":
    truth.main(write)
