"""Trains a WGAN-GP on a synthetic 2-D mixture arranged in a ring.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient"]
step = 41
window = 0
phase = "backward"
"""
import math
import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(20)
torch.set_num_threads(1)

BATCH = 128
LAMBDA = 1.0
NOISE = 4
ITERS = 1500


def real_batch(n):
    k = torch.randint(0, 8, (n,))
    ang = 2 * math.pi * k / 8
    return torch.stack([ang.cos(), ang.sin()], 1) * 2 + 0.05 * torch.randn(n, 2)


class Generator(nn.Module):
    def __init__(self):
        super(Generator, self).__init__()
        self.main = nn.Sequential(
            nn.Linear(NOISE, 64), nn.ReLU(True),
            nn.Linear(64, 64), nn.ReLU(True),
            nn.Linear(64, 2))

    def forward(self, z):
        return self.main(z)


class Discriminator(nn.Module):
    def __init__(self):
        super(Discriminator, self).__init__()
        self.main = nn.Sequential(
            nn.Linear(2, 16), nn.ReLU(True),
            nn.Linear(16, 16), nn.ReLU(True),
            nn.Linear(16, 4), nn.ReLU(True),
            nn.Linear(4, 1))

    def forward(self, x):
        return self.main(x).view(-1)


def calc_gradient_penalty(netD, real_data, fake_data):
    alpha = torch.rand(real_data.size(0), 1)
    interpolates = (alpha * real_data + (1 - alpha) * fake_data).detach().requires_grad_(True)
    disc = netD(interpolates)
    gradients = torch.autograd.grad(outputs=disc, inputs=interpolates, grad_outputs=torch.ones_like(disc),
                                    create_graph=True, retain_graph=True)[0]
    norm = torch.sqrt(torch.sum(gradients ** 2, dim=1))  # <- culprit
    return ((norm - 1) ** 2).mean() * LAMBDA


netG, netD = Generator(), Discriminator()
optD = optim.Adam(netD.parameters(), lr=2e-3, betas=(0.5, 0.9))
optG = optim.Adam(netG.parameters(), lr=5e-4, betas=(0.5, 0.9))

for it in range(ITERS):
    # (1) critic
    real = real_batch(BATCH)
    with torch.no_grad():
        fake = netG(torch.randn(BATCH, NOISE))
    optD.zero_grad()
    wdist = netD(real).mean() - netD(fake).mean()
    gp = calc_gradient_penalty(netD, real, fake)
    lossD = -wdist + gp
    lossD.backward()
    optD.step()
    # (2) generator
    optG.zero_grad()
    lossG = -netD(netG(torch.randn(BATCH, NOISE))).mean()
    lossG.backward()
    optG.step()

    if it % 100 == 0:
        print('[%d/%d] W: %.4f  GP: %.4f  Loss_G: %.4f' % (it, ITERS, wdist.item(), gp.item(), lossG.item()))

with torch.no_grad():
    s = netG(torch.randn(2000, NOISE))
    print('mean radius of samples: %.3f (data: 2.0)' % s.norm(dim=1).mean().item())
