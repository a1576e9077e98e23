"""Trains a beta-VAE on synthetic 12x12 glyphs with KL warm-up and cosine restarts, in Lightning.

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
torch.set_num_threads(1)


def glyphs(n, seed):
    g = torch.Generator().manual_seed(seed)
    img = torch.zeros(n, 12, 12)
    r, c = torch.randint(1, 11, (n,), generator=g), torch.randint(1, 11, (n,), generator=g)
    kind = torch.randint(0, 3, (n,), generator=g)
    for i in range(n):
        if kind[i] != 0:
            img[i, r[i], :] = 1
        if kind[i] != 1:
            img[i, :, c[i]] = 1
    flip = torch.rand(img.shape, generator=g) < 0.02
    return torch.where(flip, 1 - img, img).flatten(1)


class BetaVAE(L.LightningModule):
    def __init__(self, latent=6, beta=1.0, warm=500, lr=2e-3, restart=250):
        super().__init__()
        self.save_hyperparameters()
        self.enc = nn.Sequential(nn.Linear(144, 128), nn.GELU(), nn.Linear(128, 64), nn.GELU())
        self.stats = nn.Linear(64, 2 * latent)
        self.dec = nn.Sequential(nn.Linear(latent, 64), nn.GELU(), nn.Linear(64, 128), nn.GELU(), nn.Linear(128, 144))

    def parts(self, x):
        mu, logvar = self.stats(self.enc(x)).chunk(2, -1)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        rec = F.binary_cross_entropy_with_logits(self.dec(z), x, reduction="none").sum(-1).mean()
        kl = (-0.5 * (1 + logvar - mu ** 2 - logvar.exp())).sum(-1).mean()
        return rec, kl

    def training_step(self, batch, _):
        rec, kl = self.parts(batch[0])
        beta = self.hparams.beta * min(1.0, max(0, self.global_step - 200) / self.hparams.warm)
        loss = rec + beta * kl
        if self.global_step % 100 == 0:
            print(f"[{self.global_step:4d}] loss={loss:.2f} rec={rec:.2f} kl={kl:.2f} beta={beta:.2f} "
                  f"lr={self.optimizers().param_groups[0]['lr']:.1e}")
        return loss

    def validation_step(self, batch, _):
        rec, kl = self.parts(batch[0])
        self.log("elbo", -(rec + kl), prog_bar=False)

    def on_validation_epoch_end(self):
        print("   val elbo %.3f" % self.trainer.callback_metrics["elbo"].item())

    def configure_optimizers(self):
        opt = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=1e-4)
        sch = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=self.hparams.restart, eta_min=1e-6)
        return [opt], [{"scheduler": sch, "interval": "step"}]


L.seed_everything(5, verbose=False)
trainer = L.Trainer(max_epochs=16, accelerator="cpu", logger=False, enable_checkpointing=False, num_sanity_val_steps=0,
                    enable_progress_bar=False, enable_model_summary=False, check_val_every_n_epoch=4)
trainer.fit(BetaVAE(), DataLoader(TensorDataset(glyphs(5000, 0)), 64, shuffle=True, drop_last=True),
            DataLoader(TensorDataset(glyphs(500, 1)), 250))
