"""Variational autoencoder trained with Lightning, manual optimisation and a KL warm-up.

[truth]
family = "healthy"
causes = []
"""
import logging
import warnings

import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class VAE(L.LightningModule):
    def __init__(self, dim=16, latent=3):
        super().__init__()
        self.automatic_optimization = False
        self.enc = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, 2 * latent))
        self.dec = nn.Sequential(nn.Linear(latent, 32), nn.ReLU(), nn.Linear(32, dim))

    def training_step(self, batch, index):
        (x,) = batch
        mu, logvar = self.enc(x).chunk(2, dim=1)
        logvar = logvar.clamp(-8, 4)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        recon = (self.dec(z) - x).pow(2).sum(1).mean()
        kl = 0.5 * (mu.pow(2) + logvar.exp() - 1 - logvar).sum(1).mean()
        loss = recon + min(1.0, self.global_step / 60) * kl
        opt = self.optimizers()
        opt.zero_grad()
        self.manual_backward(loss)
        self.clip_gradients(opt, gradient_clip_val=5.0, gradient_clip_algorithm="norm")
        opt.step()
        self.log_dict({"recon": recon, "kl": kl})

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=3e-3)


if __name__ == "__main__":
    L.seed_everything(23, verbose=False)
    data = torch.randn(480, 3) @ torch.randn(3, 16) + 0.1 * torch.randn(480, 16)
    trainer = L.Trainer(
        max_epochs=5, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )
    trainer.fit(VAE(), DataLoader(TensorDataset(data), batch_size=24, shuffle=True))
    print({k: round(v.item(), 3) for k, v in trainer.callback_metrics.items()})
