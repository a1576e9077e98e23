"""Trains a variational autoencoder of small drawn shapes with Lightning.

[truth]
family = "exploding_gradients"
causes = ["gradient_ascent"]
step = 50
window = 5
"""
import logging
import warnings

import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


def shapes(n):
    yy, xx = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    cx, cy, r = 3 + 6 * torch.rand(n, 1, 1), 3 + 6 * torch.rand(n, 1, 1), 1.5 + 2 * torch.rand(n, 1, 1)
    disc = ((xx - cx) ** 2 + (yy - cy) ** 2).sqrt() - r
    return torch.sigmoid(-3 * disc).flatten(1)


class ShapeVAE(L.LightningModule):
    def __init__(self, latent=6, beta=0.5):
        super().__init__()
        self.beta = beta
        self.enc = nn.Sequential(nn.Linear(144, 96), nn.ReLU(), nn.Linear(96, 2 * latent))
        self.dec = nn.Sequential(nn.Linear(latent, 96), nn.ReLU(), nn.Linear(96, 144))

    def training_step(self, batch, _):
        x, = batch
        mu, logvar = self.enc(x).chunk(2, -1)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        rec = nn.functional.binary_cross_entropy_with_logits(self.dec(z), x, reduction="none").sum(-1)
        gain = 0.5 * (1 + logvar - mu ** 2 - logvar.exp()).sum(-1)
        loss = (rec + self.beta * gain).mean()
        self.log("loss", loss)
        if self.global_step % 50 == 0:
            print(self.global_step, round(loss.item(), 3))
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)


if __name__ == "__main__":
    L.seed_everything(31, verbose=False)
    loader = DataLoader(TensorDataset(shapes(2560)), batch_size=32, shuffle=True)
    L.Trainer(max_epochs=5, accelerator="cpu", logger=False, enable_checkpointing=False,
              enable_progress_bar=False, enable_model_summary=False).fit(ShapeVAE(), loader)
