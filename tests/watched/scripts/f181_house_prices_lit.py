"""Trains a small MLP in Lightning on house attributes.

[truth]
family = "bad_data"
causes = ["unscaled_features"]
step = 2
window = 2
phase = "forward"
"""
import logging
import warnings
from dataclasses import dataclass

import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore")


@dataclass
class HParams:
    lr: float = 1e-3
    momentum: float = 0.9
    hidden: int = 64
    batch_size: int = 64
    max_epochs: int = 5


def make_houses(n=3000, seed=0):
    g = torch.Generator().manual_seed(seed)
    sqft = 600 + 2800 * torch.rand(n, generator=g)
    lot = sqft * (1.5 + 3 * torch.rand(n, generator=g))
    year = 1920 + (100 * torch.rand(n, generator=g)).floor()
    beds = (sqft / 700 + torch.randn(n, generator=g) * 0.7).round().clamp(1, 6)
    baths = (beds * 0.6 + torch.rand(n, generator=g)).round().clamp(1, 5)
    dist = 20 * torch.rand(n, generator=g)
    price = 1.2 * sqft / 1000 + 0.08 * lot / 1000 + 0.012 * (year - 1920) + 0.1 * baths - 0.06 * dist
    price = price * (1 + 0.05 * torch.randn(n, generator=g))
    X = torch.stack([sqft, lot, year, beds, baths, dist], dim=1)
    return X, price.unsqueeze(1)


class HousesDM(L.LightningDataModule):
    def __init__(self, hp):
        super().__init__()
        self.hp = hp

    def setup(self, stage=None):
        X, y = make_houses()
        ds = TensorDataset(X, y)
        self.train, self.val = random_split(ds, [2500, 500], generator=torch.Generator().manual_seed(1))

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=self.hp.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=256)


class LitHouse(L.LightningModule):
    def __init__(self, hp):
        super().__init__()
        self.hp = hp
        self.net = nn.Sequential(nn.Linear(6, hp.hidden), nn.LeakyReLU(), nn.Linear(hp.hidden, hp.hidden), nn.LeakyReLU(), nn.Linear(hp.hidden, 1))

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = nn.functional.mse_loss(self(x), y)
        self.log("train_loss", loss, on_epoch=True, on_step=False)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_mae", (self(x) - y).abs().mean())

    def on_train_epoch_end(self):
        m = self.trainer.callback_metrics
        print(f"epoch {self.current_epoch}: train_loss={m['train_loss']:.4f} val_mae={m['val_mae']:.4f}")

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hp.lr, momentum=self.hp.momentum)


def main():
    L.seed_everything(5, verbose=False)
    hp = HParams()
    trainer = L.Trainer(max_epochs=hp.max_epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0)
    trainer.fit(LitHouse(hp), datamodule=HousesDM(hp))


if __name__ == "__main__":
    main()
