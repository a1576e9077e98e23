"""Trains a WGAN-GP on a ring of eight 2-D Gaussians.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient"]
step = 1617
window = 0
phase = "backward"
"""
import math

import torch
import torch.autograd as autograd
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(2)

DIM = 9          # hidden width
LAMBDA = .1       # smaller lambda seems to help for toy tasks
BATCH_SIZE = 128
ITERS = 2500
NOISE = 2


class Generator(nn.Module):
    def __init__(self):
        super(Generator, self).__init__()
        self.main = nn.Sequential(
            nn.Linear(NOISE, 64), nn.ReLU(True),
            nn.Linear(64, 64), nn.ReLU(True),
            nn.Linear(64, 2))

    def forward(self, noise):
        return self.main(noise)


class Discriminator(nn.Module):
    def __init__(self):
        super(Discriminator, self).__init__()
        self.main = nn.Sequential(
            nn.Linear(2, DIM), nn.ReLU(True),
            nn.Linear(DIM, DIM), nn.ReLU(True),
            nn.Linear(DIM, DIM), nn.ReLU(True),
            nn.Linear(DIM, 1))

    def forward(self, inputs):
        return self.main(inputs).view(-1)


def inf_train_gen():
    centers = torch.tensor([[math.cos(k * math.pi / 4), math.sin(k * math.pi / 4)] for k in range(8)]) * 2.
    while True:
        point = torch.randn(BATCH_SIZE, 2) * .02
        point += centers[torch.randint(0, 8, (BATCH_SIZE,))]
        yield point / 1.414  # stdev


def calc_gradient_penalty(netD, real_data, fake_data):
    alpha = torch.rand(BATCH_SIZE, 1).expand(real_data.size())
    interpolates = (alpha * real_data + (1 - alpha) * fake_data).requires_grad_(True)
    disc_interpolates = netD(interpolates)
    gradients = autograd.grad(outputs=disc_interpolates, inputs=interpolates,
                              grad_outputs=torch.ones(disc_interpolates.size()),
                              create_graph=True, retain_graph=True, only_inputs=True)[0]
    grad_norm = torch.sqrt(torch.sum(gradients ** 2, dim=1))  # <- culprit
    return ((grad_norm - 1) ** 2).mean() * LAMBDA


netG = Generator()
netD = Discriminator()
optimizerD = optim.Adam(netD.parameters(), lr=1e-3, betas=(0.5, 0.9))
optimizerG = optim.Adam(netG.parameters(), lr=2e-4, betas=(0.5, 0.9))
data = inf_train_gen()

for iteration in range(ITERS):
    # (1) critic
    real = next(data)
    with torch.no_grad():
        fake = netG(torch.randn(BATCH_SIZE, NOISE))
    netD.zero_grad()
    D_real = netD(real).mean()
    D_fake = netD(fake).mean()
    gp = calc_gradient_penalty(netD, real, fake)
    D_cost = D_fake - D_real + gp
    D_cost.backward()
    optimizerD.step()
    # (2) generator
    netG.zero_grad()
    G_cost = -netD(netG(torch.randn(BATCH_SIZE, NOISE))).mean()
    G_cost.backward()
    optimizerG.step()
    if iteration % 100 == 99:
        print("iter %5d\tW dist %.4f\tgp %.4f\tG %.4f" % (
            iteration, (D_real - D_fake).item(), gp.item(), G_cost.item()))
