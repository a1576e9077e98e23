"""Three rows have pressure 0, the ratio feature becomes inf.

[truth]
family = "bad_data"
causes = ["nonfinite_input"]
step = 46
window = 1
phase = "input"
among = [510, 2046, 2865]
"""
import logging
import warnings

import lightning as L
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)


class PumpReadings(Dataset):
    """Hourly readings of a pump; target is the bearing wear index."""

    def __init__(self, n=4000, seed=5):
        rng = np.random.default_rng(seed)
        self.pressure = rng.gamma(9.0, 0.3, n).astype(np.float32)
        self.flow = (1.4 * self.pressure + rng.normal(0, 0.3, n)).astype(np.float32)
        self.temp = rng.normal(55, 8, n).astype(np.float32)
        self.rpm = rng.normal(1450, 60, n).astype(np.float32)
        self.wear = (0.5 * self.flow / self.pressure + 0.02 * (self.temp - 55)
                     + 0.004 * (self.rpm - 1450) + rng.normal(0, 0.1, n)).astype(np.float32)
        off = rng.choice(np.arange(200, n), 3, replace=False)
        self.pressure[off] = 0.0

    def __len__(self):
        return len(self.wear)

    def __getitem__(self, i):
        resistance = torch.tensor(self.flow[i]) / torch.tensor(self.pressure[i])
        feats = torch.stack([
            torch.tensor((self.pressure[i] - 2.7) / 0.9),
            torch.tensor((self.flow[i] - 3.8) / 1.3),
            torch.tensor((self.temp[i] - 55) / 8),
            torch.tensor((self.rpm[i] - 1450) / 60),
            resistance - 1.4,
        ])
        return feats, torch.tensor(self.wear[i])


class WearModel(L.LightningModule):
    def __init__(self, lr=2e-3):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(5, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))

    def training_step(self, batch, _):
        x, y = batch
        loss = nn.functional.smooth_l1_loss(self.net(x).squeeze(-1), y)
        self.log("train_loss", loss, on_epoch=True, on_step=False)
        return loss

    def on_train_epoch_end(self):
        print("epoch", self.current_epoch, "loss", float(self.trainer.callback_metrics["train_loss"]))

    def configure_optimizers(self):
        opt = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
        sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 6)
        return [opt], [sched]


if __name__ == "__main__":
    L.seed_everything(2, verbose=False)
    dl = DataLoader(PumpReadings(), batch_size=32, shuffle=True)
    tr = L.Trainer(max_epochs=6, accelerator="cpu", logger=False, enable_checkpointing=False,
                   enable_progress_bar=False, enable_model_summary=False, gradient_clip_val=1.0)
    tr.fit(WearModel(), dl)
