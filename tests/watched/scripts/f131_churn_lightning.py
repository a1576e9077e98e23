"""Churn classification on tabular data with Lightning.

[truth]
family = "stalled_training"
causes = ["collapsed_learning_rate"]
"""
import logging
import warnings

import lightning as L
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


def churn_table(n=4096, seed=0):
    rng = np.random.default_rng(seed)
    tenure = rng.gamma(2.0, 12.0, n)
    charges = rng.normal(65, 30, n).clip(10)
    calls = rng.poisson(1.5, n)
    plan = rng.integers(0, 4, n)
    z = -0.05 * tenure + 0.03 * (charges - 65) + 0.7 * calls * (plan == 2) - 0.9 * (plan == 3) + 0.4
    y = (rng.random(n) < 1 / (1 + np.exp(-2.0 * z))).astype("float32")
    num = np.stack([tenure, charges, calls], 1)
    num = (num - num.mean(0)) / num.std(0)
    return TensorDataset(torch.tensor(num, dtype=torch.float32), torch.tensor(plan), torch.tensor(y))


class ChurnModel(L.LightningModule):
    def __init__(self, lr=0.02, decay=0.8):
        super().__init__()
        self.save_hyperparameters()
        self.emb = nn.Embedding(4, 8)
        self.net = nn.Sequential(nn.Linear(11, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
        self.crit = nn.BCEWithLogitsLoss()
        self.epoch_losses = []

    def forward(self, num, plan):
        return self.net(torch.cat([num, self.emb(plan)], 1)).squeeze(-1)

    def training_step(self, batch, batch_idx):
        num, plan, y = batch
        loss = self.crit(self(num, plan), y)
        self.epoch_losses.append(loss.detach())
        return loss

    def on_train_epoch_end(self):
        print(f"epoch {self.current_epoch}: bce {torch.stack(self.epoch_losses).mean():.4f}")
        self.epoch_losses.clear()

    def configure_optimizers(self):
        opt = torch.optim.SGD(self.parameters(), lr=self.hparams.lr, momentum=0.9)
        sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=self.hparams.decay)
        return {"optimizer": opt, "lr_scheduler": {"scheduler": sched, "interval": "step"}}


if __name__ == "__main__":
    L.seed_everything(21, verbose=False)
    trainer = L.Trainer(
        max_epochs=12, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )
    trainer.fit(ChurnModel(), DataLoader(churn_table(), batch_size=128, shuffle=True))
