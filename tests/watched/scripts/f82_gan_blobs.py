"""Generates blobs of points with a GAN (two optimizers, raw scores).

[truth]
family = "exploding_gradients"
causes = ["adversarial_imbalance", "unbounded_loss"]
step = 0
window = 40
"""
import torch
from torch import nn


def mlp(*sizes):
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


def blobs(n):
    centres = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 2.0], [0.0, -2.0]])
    return centres[torch.randint(4, (n,))] + 0.1 * torch.randn(n, 2)


torch.manual_seed(101)
critic = mlp(2, 48, 48, 1)
generator = mlp(6, 48, 48, 2)
opt_d = torch.optim.Adam(critic.parameters(), lr=5e-3)
opt_g = torch.optim.Adam(generator.parameters(), lr=5e-5)

for it in range(150):
    real, fake = blobs(64), generator(torch.randn(64, 6)).detach()
    d_loss = critic(fake).mean() - critic(real).mean()
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    g_loss = -critic(generator(torch.randn(64, 6))).mean()
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    if it % 15 == 0:
        print(f"{it:4d} D {d_loss.item():.4g}  G {g_loss.item():.4g}")
