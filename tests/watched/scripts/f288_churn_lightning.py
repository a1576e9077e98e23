"""Feature annual_revenue in raw units (1e6) unscaled beside features of order 1; BCE loss
1e2-1e4, accuracy flips between class priors.

[truth]
family = "bad_data"
causes = ["unscaled_features"]
step = 0
"""
import logging
import warnings

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)


class ChurnData(L.LightningDataModule):
    COLUMNS = ["tenure_years", "tickets_90d", "seats", "annual_revenue", "nps", "discount"]

    def setup(self, stage=None):
        rng = np.random.default_rng(8)
        n = 8192
        tenure = rng.gamma(2, 1.5, n)
        tickets = rng.poisson(2.0, n)
        seats = rng.integers(1, 40, n) / 10
        revenue = rng.lognormal(14.0, 0.6, n)
        nps = rng.normal(0.3, 0.4, n)
        discount = rng.beta(2, 8, n)
        logit = -0.8 * tenure + 0.9 * tickets - 1.5 * nps + 3.0 * discount + 0.4 * np.log(revenue / 1.2e6) - 0.5
        y = rng.random(n) < 1 / (1 + np.exp(-logit))
        x = np.stack([tenure, tickets, seats, revenue, nps, discount], 1)
        x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
        self.train, self.val = TensorDataset(x[:7168], y[:7168]), TensorDataset(x[7168:], y[7168:])

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=64, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=512)


class ChurnNet(L.LightningModule):
    def __init__(self, n_features, hidden=64, lr=2e-3):
        super().__init__()
        self.lr = lr
        self.net = nn.Sequential(nn.Linear(n_features, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        self.losses = []

    def training_step(self, batch, _):
        x, y = batch
        loss = F.binary_cross_entropy_with_logits(self.net(x).squeeze(-1), y)
        self.losses.append(loss.item())
        return loss

    def on_validation_epoch_start(self):
        self.ok = []

    def validation_step(self, batch, _):
        x, y = batch
        self.ok.append(((self.net(x).squeeze(-1) > 0) == (y > 0.5)).float().mean().item())

    def on_validation_epoch_end(self):
        if self.losses:
            print(f"epoch {self.current_epoch}: train {np.mean(self.losses):.3f} val_acc {np.mean(self.ok):.3f}")
            self.losses.clear()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)


if __name__ == "__main__":
    L.seed_everything(1, verbose=False)
    trainer = L.Trainer(max_epochs=10, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0)
    trainer.fit(ChurnNet(len(ChurnData.COLUMNS)), datamodule=ChurnData())
