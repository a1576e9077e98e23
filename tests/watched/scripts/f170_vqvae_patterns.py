"""Trains a VQ-VAE with an EMA codebook on synthetic 16x16 texture patches.

[truth]
family = "corrupted_state"
causes = ["poisoned_buffers", "division_by_zero"]
step = 121
window = 1
phase = "state"
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class VectorQuantizerEMA(nn.Module):
    def __init__(self, n_codes, dim, decay=0.8, commitment=0.25):
        super().__init__()
        self.decay, self.commitment, self.n_codes = decay, commitment, n_codes
        embed = torch.randn(n_codes, dim)
        self.register_buffer("embed", embed)
        self.register_buffer("cluster_size", torch.zeros(n_codes))
        self.register_buffer("embed_avg", embed.clone())

    def forward(self, z):                                   # z: B, D, H, W
        flat = z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])
        dist = flat.pow(2).sum(1, keepdim=True) - 2 * flat @ self.embed.t() + self.embed.pow(2).sum(1)
        ids = dist.argmin(1)
        q = F.embedding(ids, self.embed).view(z.shape[0], z.shape[2], z.shape[3], -1).permute(0, 3, 1, 2)
        if self.training:
            self._ema_update(flat.detach(), ids)
        loss = self.commitment * F.mse_loss(z, q.detach())
        q = z + (q - z).detach()
        usage = torch.bincount(ids, minlength=self.n_codes).gt(0).sum().item()
        return q, loss, usage

    @torch.no_grad()
    def _ema_update(self, flat, ids):
        onehot = F.one_hot(ids, self.n_codes).type_as(flat)
        self.cluster_size.mul_(self.decay).add_(onehot.sum(0), alpha=1 - self.decay)
        self.embed_avg.mul_(self.decay).add_(onehot.t() @ flat, alpha=1 - self.decay)
        self.embed.copy_(self.embed_avg / self.cluster_size.unsqueeze(1))  # <- culprit


class VQVAE(nn.Module):
    def __init__(self, width=24, dim=8, n_codes=64):
        super().__init__()
        self.enc = nn.Sequential(nn.Conv2d(1, width, 4, 2, 1), nn.ReLU(), nn.Conv2d(width, width, 4, 2, 1), nn.ReLU(),
                                 nn.Conv2d(width, dim, 1))
        self.vq = VectorQuantizerEMA(n_codes, dim)
        self.dec = nn.Sequential(nn.Conv2d(dim, width, 3, padding=1), nn.ReLU(),
                                 nn.ConvTranspose2d(width, width, 4, 2, 1), nn.ReLU(),
                                 nn.ConvTranspose2d(width, 1, 4, 2, 1))

    def forward(self, x, quantize=True):
        z = self.enc(x)
        if not quantize:
            return self.dec(z), z.new_zeros(()), 0
        q, vq_loss, usage = self.vq(z)
        return self.dec(q), vq_loss, usage


def textures(n, g):
    yy, xx = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    th = torch.rand(n, 1, 1, generator=g) * 3.1416
    f = 0.4 + 0.8 * torch.rand(n, 1, 1, generator=g)
    ph = 6.2832 * torch.rand(n, 1, 1, generator=g)
    img = torch.sin(f * (xx * th.cos() + yy * th.sin()) + ph)
    return (img + 0.05 * torch.randn(n, 16, 16, generator=g)).unsqueeze(1)


def train(steps=500, batch=32, vq_start=120, seed=9):
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed)
    data = textures(3000, g)
    model = VQVAE()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    model.train()
    for step in range(steps):
        x = data[torch.randint(0, len(data), (batch,), generator=g)]
        # plain autoencoder first, so that the latents are worth clustering
        rec, vq_loss, usage = model(x, quantize=step >= vq_start)
        recon = F.mse_loss(rec, x)
        loss = recon + vq_loss
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 25 == 0:
            print(f"{step:04d} recon={recon.item():.4f} vq={vq_loss.item():.4f} codes={usage}")
    return model


if __name__ == "__main__":
    train()
