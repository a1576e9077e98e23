"""KL annealing: total loss rises by design.

[truth]
family = "healthy"
causes = []
"""
import warnings, logging
warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
import torch
from torch import nn
import torch.nn.functional as F
import lightning.pytorch as pl
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def blobs(n, s=16):
    gy, gx = torch.meshgrid(torch.linspace(-1, 1, s), torch.linspace(-1, 1, s), indexing="ij")
    c = torch.rand(n, 2, 1, 1) * 1.4 - 0.7
    w = 0.15 + 0.25 * torch.rand(n, 1, 1)
    return torch.exp(-((gx - c[:, 0]) ** 2 + (gy - c[:, 1]) ** 2) / (2 * w ** 2)).flatten(1)


class BetaVAE(pl.LightningModule):
    def __init__(self, z=6, warm=400, beta=4.0):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 2 * z))
        self.dec = nn.Sequential(nn.Linear(z, 128), nn.ReLU(), nn.Linear(128, 256))
        self.warm, self.beta = warm, beta
        self.log_rows = []

    def training_step(self, batch, i):
        (x,) = batch
        mu, lv = self.enc(x).chunk(2, -1)
        z = mu + torch.randn_like(mu) * (0.5 * lv).exp()
        rec = F.binary_cross_entropy_with_logits(self.dec(z), x, reduction="none").sum(-1).mean()
        kl = -0.5 * (1 + lv - mu ** 2 - lv.exp()).sum(-1).mean()
        b = self.beta * min(1.0, max(0.0, (self.global_step - 200) / self.warm))
        if self.global_step % 50 == 0:
            print(f"step {self.global_step} rec {rec.item():.2f} kl {kl.item():.2f} beta {b:.2f} loss {(rec + b * kl).item():.2f}")
        return rec + b * kl

    def configure_optimizers(self):
        return torch.optim.Adamax(self.parameters(), lr=2e-3)


if __name__ == "__main__":
    pl.seed_everything(0, verbose=False)
    dl = DataLoader(TensorDataset(blobs(4000)), batch_size=64, shuffle=True)
    pl.Trainer(max_epochs=14, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
               enable_model_summary=False).fit(BetaVAE(), dl)
