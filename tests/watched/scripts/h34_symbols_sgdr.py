"""Symbol classification with warm restarts, Lightning module.

[truth]
family = "healthy"
causes = []
"""
import logging
import warnings

import lightning as L
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


def symbols(n=1200, classes=8, seed=2):
    g = torch.Generator().manual_seed(seed)
    proto = (torch.rand(classes, 1, 10, 10, generator=g) > 0.6).float()
    y = torch.randint(0, classes, (n,), generator=g)
    x = proto[y] + 0.7 * torch.randn(n, 1, 10, 10, generator=g)
    return TensorDataset(x, y)


class Classifier(L.LightningModule):
    def __init__(self, lr=0.15):
        super().__init__()
        self.lr = lr
        self.net = nn.Sequential(nn.Conv2d(1, 12, 3, 2, 1), nn.BatchNorm2d(12), nn.ReLU(), nn.Flatten(),
                                 nn.Linear(300, 48), nn.ReLU(), nn.Linear(48, 8))
        self.curve = []

    def training_step(self, batch, _):
        x, y = batch
        out = self.net(x)
        loss = F.cross_entropy(out, y, label_smoothing=0.05)
        self.curve.append(loss.item())
        self.log("acc", (out.argmax(1) == y).float().mean())
        return loss

    def on_train_epoch_end(self):
        print(f"epoch {self.current_epoch} loss {sum(self.curve[-38:]) / 38:.4f}")

    def configure_optimizers(self):
        opt = torch.optim.SGD(self.parameters(), lr=self.lr, momentum=0.9, weight_decay=1e-4)
        sched = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=76, T_mult=1, eta_min=1e-4)
        return [opt], [{"scheduler": sched, "interval": "step"}]


if __name__ == "__main__":
    L.seed_everything(1, verbose=False)
    trainer = L.Trainer(max_epochs=8, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(Classifier(), DataLoader(symbols(), batch_size=32, shuffle=True))
