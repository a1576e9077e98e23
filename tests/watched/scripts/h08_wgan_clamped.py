"""Wasserstein GAN whose critic weights are clamped after every update.

[truth]
family = "healthy"
causes = []
"""
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, n_in, n_out, hidden=32):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(n_in, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, n_out))

    def forward(self, x):
        return self.f(x)


def real_batch(n):
    side = torch.randint(0, 2, (n, 1)).float() * 2 - 1
    return torch.cat([side, side], 1) + 0.1 * torch.randn(n, 2)


def main():
    torch.manual_seed(8)
    gen, critic = Net(4, 2), Net(2, 1)
    opt_c = torch.optim.RMSprop(critic.parameters(), lr=1e-3)
    opt_g = torch.optim.RMSprop(gen.parameters(), lr=1e-3)
    for it in range(140):
        fake = gen(torch.randn(32, 4)).detach()
        loss_c = critic(fake).mean() - critic(real_batch(32)).mean()
        opt_c.zero_grad()
        loss_c.backward()
        opt_c.step()
        with torch.no_grad():
            for p in critic.parameters():
                p.clamp_(-0.1, 0.1)
        if it % 4 == 3:
            loss_g = -critic(gen(torch.randn(32, 4))).mean()
            opt_g.zero_grad()
            loss_g.backward()
            opt_g.step()
        if it % 20 == 19:
            print(f"{it + 1}: critic {loss_c.item():+.4f} generator {loss_g.item():+.4f}")


main()
