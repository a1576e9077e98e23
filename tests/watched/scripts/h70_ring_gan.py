"""Trains a small GAN on a ring of eight Gaussians.

[truth]
family = "healthy"
causes = []
"""
import numpy as np
import torch
import torch.nn as nn

torch.manual_seed(1234)
np.random.seed(1234)

nz, nh, bs = 16, 96, 128
n_iter = 2500
centers = np.stack([[np.cos(a), np.sin(a)] for a in np.arange(8) * np.pi / 4]) * 2


def sample_real(n):
    c = centers[np.random.randint(0, 8, n)]
    return torch.tensor(c + 0.08 * np.random.randn(n, 2), dtype=torch.float32)


netG = nn.Sequential(nn.Linear(nz, nh), nn.ReLU(True), nn.Linear(nh, nh), nn.ReLU(True), nn.Linear(nh, 2))
netD = nn.Sequential(nn.Linear(2, nh), nn.LeakyReLU(0.2, True), nn.Linear(nh, nh), nn.LeakyReLU(0.2, True), nn.Linear(nh, 1))

criterion = nn.BCEWithLogitsLoss()
optimizerD = torch.optim.Adam(netD.parameters(), lr=1e-3, betas=(0.5, 0.999))
optimizerG = torch.optim.Adam(netG.parameters(), lr=5e-4, betas=(0.5, 0.999))
fixed_noise = torch.randn(1000, nz)


def mmd(a, b):
    def k(x, y):
        return torch.exp(-torch.cdist(x, y) ** 2 / 0.5).mean()
    return (k(a, a) + k(b, b) - 2 * k(a, b)).item()


@torch.no_grad()
def report(it, lossD, lossG, D_x, D_G1, D_G2):
    fake = netG(fixed_noise)
    d = torch.cdist(fake, torch.tensor(centers, dtype=torch.float32)).min(1)
    modes = len(set(d.indices[d.values < 0.3].tolist()))
    print("[%4d/%d] Loss_D: %.4f Loss_G: %.4f D(x): %.3f D(G(z)): %.3f / %.3f | modes %d  near %.2f  mmd %.4f" % (
        it, n_iter, lossD, lossG, D_x, D_G1, D_G2, modes, (d.values < 0.3).float().mean(), mmd(fake, sample_real(1000))))


for it in range(n_iter):
    # (1) discriminator
    netD.zero_grad()
    real = sample_real(bs)
    label = torch.full((bs, 1), 1.0)
    out = netD(real)
    errD_real = criterion(out, label)
    errD_real.backward()
    D_x = out.sigmoid().mean().item()

    fake = netG(torch.randn(bs, nz))
    label.fill_(0.0)
    out = netD(fake.detach())
    errD_fake = criterion(out, label)
    errD_fake.backward()
    D_G_z1 = out.sigmoid().mean().item()
    optimizerD.step()

    # (2) generator
    netG.zero_grad()
    label.fill_(1.0)
    out = netD(fake)
    errG = criterion(out, label)
    errG.backward()
    D_G_z2 = out.sigmoid().mean().item()
    optimizerG.step()

    if it % 250 == 0 or it == n_iter - 1:
        report(it, (errD_real + errD_fake).item(), errG.item(), D_x, D_G_z1, D_G_z2)
