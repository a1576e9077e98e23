"""Lightning module classifying machine vibration waveforms.

[truth]
family = "stalled_training"
causes = ["collapsed_learning_rate"]
step = 25
window = 30
"""
import logging
import warnings

import lightning as L
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


def waveforms(n, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 4, (n,), generator=g)
    t = torch.linspace(0, 1, 64)
    f = 3.0 + 2.0 * y[:, None]
    ph = 6.283 * torch.rand(n, 1, generator=g)
    x = torch.sin(6.283 * f * t + ph) + 0.8 * torch.randn(n, 64, generator=g)
    return x.unsqueeze(1), y


class VibrationClassifier(L.LightningModule):
    def __init__(self, lr=0.02):
        super().__init__()
        self.lr = lr
        self.net = nn.Sequential(
            nn.Conv1d(1, 16, 9, padding=4), nn.ReLU(), nn.MaxPool1d(4),
            nn.Conv1d(16, 16, 5, padding=2), nn.ReLU(), nn.AdaptiveMaxPool1d(4),
            nn.Flatten(), nn.Linear(64, 4),
        )
        self.epoch_losses = []

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = F.cross_entropy(self.net(x), y)
        self.epoch_losses.append(loss.item())
        return loss

    def on_train_epoch_end(self):
        lr = self.optimizers().param_groups[0]["lr"]
        print(f"epoch {self.current_epoch:2d}  loss {sum(self.epoch_losses) / len(self.epoch_losses):.4f}  lr {lr:.2e}")
        self.epoch_losses.clear()

    def configure_optimizers(self):
        opt = torch.optim.SGD(self.parameters(), lr=self.lr, momentum=0.9)
        sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.85)
        return {"optimizer": opt, "lr_scheduler": {"scheduler": sched, "interval": "step"}}


if __name__ == "__main__":
    L.seed_everything(13, verbose=False)
    loader = DataLoader(TensorDataset(*waveforms(1600, 0)), batch_size=32, shuffle=True)
    trainer = L.Trainer(max_epochs=12, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(VibrationClassifier(), loader)
