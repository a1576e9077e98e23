"""Trains an ECG-like beat classifier with Lightning.

[truth]
family = "bad_data"
causes = ["target_out_of_range", "index_out_of_range"]
step = 27
phase = "target"
among = [1236, 1249, 1309, 1319, 1342, 1343]
"""
import io
import logging
import warnings

import lightning as L
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

CLASSES = ["N", "S", "V", "F", "Q"]
LEN = 90


def beat(rng, k):
    t = np.linspace(-1, 1, LEN)
    width = 0.05 + 0.04 * k
    x = np.exp(-(t / width) ** 2) - 0.3 * (k % 2) * np.exp(-((t - 0.3) / 0.1) ** 2)
    x += 0.25 * np.exp(-((t - 0.55 + 0.05 * k) / 0.12) ** 2)
    return x + 0.08 * rng.normal(size=LEN)


def hospital_csv(site, n, first_label, rng):
    """One csv per recording site, as delivered."""
    k = rng.choice(5, size=n, p=[0.5, 0.2, 0.17, 0.1, 0.03])
    sig = np.stack([beat(rng, c) for c in k]).round(4)
    df = pd.DataFrame(sig, columns=[f"s{i}" for i in range(LEN)])
    df["label"] = k + first_label
    df["site"] = site
    return df.to_csv(index=False)


def load_all():
    rng = np.random.default_rng(31)
    files = [
        hospital_csv("A", 700, 0, rng),
        hospital_csv("B", 500, 0, rng),
        hospital_csv("C", 160, 1, rng),
        hospital_csv("D", 400, 0, rng),
    ]
    return pd.concat([pd.read_csv(io.StringIO(f)) for f in files], ignore_index=True)


class BeatData(Dataset):
    def __init__(self, df):
        self.x = torch.tensor(df[[f"s{i}" for i in range(LEN)]].to_numpy(np.float32))
        self.y = torch.tensor(df["label"].to_numpy(np.int64))

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i][None], self.y[i]


class BeatModule(L.LightningModule):
    def __init__(self, lr=2e-3):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.Conv1d(1, 16, 7, padding=3), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(3),
            nn.Conv1d(16, 32, 5, padding=2), nn.BatchNorm1d(32), nn.ReLU(), nn.AdaptiveAvgPool1d(6),
            nn.Flatten(), nn.Linear(192, len(CLASSES)),
        )
        self.seen = []

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        self.seen.append(loss.item())
        self.log("train_loss", loss)
        return loss

    def on_train_epoch_end(self):
        print(f"epoch {self.current_epoch}: mean loss {np.mean(self.seen):.4f}")
        self.seen.clear()

    def configure_optimizers(self):
        opt = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
        return [opt], [torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=4)]


if __name__ == "__main__":
    L.seed_everything(SEED := 8, verbose=False)
    data = BeatData(load_all())
    print("beats:", len(data), "per class:", torch.bincount(data.y).tolist())
    loader = DataLoader(data, batch_size=24, shuffle=True)
    trainer = L.Trainer(
        max_epochs=4, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )
    trainer.fit(BeatModule(), loader)
