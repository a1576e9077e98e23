"""Healthy: the two losses of a GAN swing against each other and neither is meant to fall."""

# mypy: allow-untyped-calls
import math
import sys

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

VERDICT = "healthy"
CAUSE = None

torch.manual_seed(23)
torch.set_num_threads(1)

generator = nn.Sequential(
    nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2)
)
critic = nn.Sequential(
    nn.Linear(2, 48), nn.LeakyReLU(0.2), nn.Linear(48, 48), nn.LeakyReLU(0.2), nn.Linear(48, 1)
)
generator_optimizer = torch.optim.Adam(generator.parameters(), lr=3e-3, betas=(0.5, 0.999))
critic_optimizer = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.5, 0.999))
criterion = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
writer = SummaryWriter(sys.argv[1])

for step in range(600):
    angle = 2 * math.pi * torch.rand(64)
    real = torch.stack([angle.cos(), angle.sin()], 1) + 0.05 * torch.randn(64, 2)
    fake = generator(torch.randn(64, 4))

    critic_loss = criterion(critic(real), ones) + criterion(critic(fake.detach()), zeros)
    critic_optimizer.zero_grad()
    critic_loss.backward()
    critic_optimizer.step()

    generator_loss = criterion(critic(fake), ones)
    generator_optimizer.zero_grad()
    generator_loss.backward()
    generator_optimizer.step()

    writer.add_scalar("Loss/Discriminator", critic_loss.item(), step)
    writer.add_scalar("Loss/Generator", generator_loss.item(), step)

writer.close()
