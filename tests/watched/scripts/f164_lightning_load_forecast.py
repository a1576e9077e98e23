"""Trains a dilated TCN on synthetic electricity load, day-ahead forecasting, with Lightning.

[truth]
family = "exploding_gradients"
causes = ["learning_rate_schedule", "learning_rate_too_high"]
step = 527
window = 45
phase = "forward"
"""
import logging
import warnings

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)


class LoadDataset(Dataset):
    """Windows of hourly load: one week of history, 24 hours to predict."""

    def __init__(self, hours=6000, context=96, horizon=24, seed=3):
        rng = np.random.default_rng(seed)
        t = np.arange(hours)
        load = (np.sin(2 * np.pi * t / 24) + 0.4 * np.sin(2 * np.pi * t / 168)
                + 0.2 * np.sin(2 * np.pi * t / 12 + 1) + 0.15 * rng.standard_normal(hours))
        self.series = torch.tensor((load - load.mean()) / load.std(), dtype=torch.float32)
        self.context, self.horizon = context, horizon

    def __len__(self):
        return len(self.series) - self.context - self.horizon

    def __getitem__(self, i):
        x = self.series[i:i + self.context]
        y = self.series[i + self.context:i + self.context + self.horizon]
        return x[None], y


class TCNBlock(nn.Module):
    def __init__(self, width, dilation):
        super().__init__()
        self.pad = 2 * dilation
        self.conv = nn.Conv1d(width, width, 3, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x):
        h = F.gelu(self.conv(F.pad(x, (self.pad, 0))))
        return x + self.mix(h)


class LoadForecaster(L.LightningModule):
    def __init__(self, width=24, horizon=24, lr=2e-2, warmup_steps=10):
        super().__init__()
        self.save_hyperparameters()
        self.stem = nn.Conv1d(1, width, 1)
        self.blocks = nn.Sequential(*[TCNBlock(width, d) for d in (1, 2, 4, 8)])
        self.head = nn.Linear(width, horizon)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x))[..., -1])

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = F.mse_loss(self(x), y)
        if self.global_step % 50 == 0:
            lr = self.trainer.optimizers[0].param_groups[0]["lr"]
            print(f"step {self.global_step:5d}  mse {loss.item():.5f}  lr {lr:.2e}")
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_mae", (self(x) - y).abs().mean())

    def on_validation_epoch_end(self):
        print("val_mae", float(self.trainer.callback_metrics.get("val_mae", float("inf"))))

    def configure_optimizers(self):
        opt = torch.optim.SGD(self.parameters(), lr=self.hparams.lr, momentum=0.9)
        # linear warm-up over the first steps
        sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: (s + 1) / self.hparams.warmup_steps)
        return {"optimizer": opt, "lr_scheduler": {"scheduler": sched, "interval": "step"}}


if __name__ == "__main__":
    L.seed_everything(11, verbose=False)
    ds = LoadDataset()
    train = torch.utils.data.Subset(ds, range(0, 5200))
    val = torch.utils.data.Subset(ds, range(5400, len(ds)))
    trainer = L.Trainer(max_epochs=5, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0)
    trainer.fit(LoadForecaster(), DataLoader(train, 48, shuffle=True), DataLoader(val, 128))
