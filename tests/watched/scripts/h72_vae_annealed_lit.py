"""Trains a VAE with cyclical KL annealing on bar images, in Lightning.

[truth]
family = "healthy"
causes = []
"""
import logging
import warnings

import lightning.pytorch as pl
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore")


def bars(n, seed, size=8):
    g = torch.Generator().manual_seed(seed)
    rows = (torch.rand(n, size, 1, generator=g) < 0.2).float()
    cols = (torch.rand(n, 1, size, generator=g) < 0.2).float()
    return torch.maximum(rows.expand(-1, -1, size), cols.expand(-1, size, -1)).flatten(1)


def cyclical_beta(step, period=250, ratio=0.5, top=1.0):
    t = (step % period) / (period * ratio)
    return top * min(1.0, t)


class VAE(pl.LightningModule):
    def __init__(self, n_in=64, n_hidden=128, n_latent=16, lr=2e-3):
        super().__init__()
        self.save_hyperparameters()
        self.enc = nn.Sequential(nn.Linear(n_in, n_hidden), nn.ReLU(), nn.Linear(n_hidden, 2 * n_latent))
        self.dec = nn.Sequential(nn.Linear(n_latent, n_hidden), nn.ReLU(), nn.Linear(n_hidden, n_in))
        self.history = []

    def encode(self, x):
        mu, logvar = self.enc(x).chunk(2, dim=1)
        return mu, logvar

    def elbo_terms(self, x):
        mu, logvar = self.encode(x)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        logits = self.dec(z)
        rec = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1).mean()
        kl = -0.5 * (1 + logvar - mu ** 2 - logvar.exp()).sum(1).mean()
        return rec, kl

    def training_step(self, batch, batch_idx):
        rec, kl = self.elbo_terms(batch[0])
        beta = cyclical_beta(self.global_step)
        loss = rec + beta * kl
        self.history.append(loss.item())
        self.log_dict({"rec": rec, "kl": kl, "beta": beta, "loss": loss})
        return loss

    def validation_step(self, batch, batch_idx):
        rec, kl = self.elbo_terms(batch[0])
        self.log_dict({"val_rec": rec, "val_kl": kl, "val_nelbo": rec + kl})

    def on_train_epoch_end(self):
        m = {k: float(v) for k, v in self.trainer.callback_metrics.items()}
        print(f"epoch {self.current_epoch:2d} step {self.global_step:4d} beta {m['beta']:.2f} loss {m['loss']:.3f} rec {m['rec']:.3f} kl {m['kl']:.3f} "
              f"| val rec {m['val_rec']:.3f} kl {m['val_kl']:.3f} -elbo {m['val_nelbo']:.3f}")

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


def main():
    pl.seed_everything(8, verbose=False)
    train = DataLoader(TensorDataset(bars(4000, 0)), batch_size=64, shuffle=True)
    val = DataLoader(TensorDataset(bars(500, 1)), batch_size=250)
    trainer = pl.Trainer(max_epochs=16, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
                         enable_model_summary=False, num_sanity_val_steps=0, gradient_clip_val=50.0)
    trainer.fit(VAE(), train, val)


if __name__ == "__main__":
    main()
