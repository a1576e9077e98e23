"""Small GAN on 2-D signal statistics; the discriminator loss creeps up while samples improve.

[truth]
family = "healthy"
causes = []
"""
import torch
import torch.nn as nn
import torch.nn.functional as F


def real(n):
    k = torch.randint(0, 3, (n,))
    centre = torch.tensor([[2.0, 0.0], [-1.0, 1.7], [-1.0, -1.7]])[k]
    return centre + 0.3 * torch.randn(n, 2)


def net(i, o, w=64):
    return nn.Sequential(nn.Linear(i, w), nn.LeakyReLU(0.2), nn.Linear(w, w), nn.LeakyReLU(0.2), nn.Linear(w, o))


def sliced_distance(a, b, n_proj=64):
    th = torch.linspace(0, 3.1416, n_proj)
    d = torch.stack([th.cos(), th.sin()])
    return ((a @ d).sort(0).values - (b @ d).sort(0).values).abs().mean().item()


class GAN:
    def __init__(self, lr_g=1e-3, lr_d=2e-3, z=8):
        self.z = z
        self.g, self.d = net(z, 2), net(2, 1)
        self.opt_g = torch.optim.Adam(self.g.parameters(), lr=lr_g, betas=(0.5, 0.99))
        self.opt_d = torch.optim.Adam(self.d.parameters(), lr=lr_d, betas=(0.5, 0.99))

    def fake(self, n):
        return self.g(torch.randn(n, self.z))

    def d_step(self, n):
        x = real(n).requires_grad_(True)
        out = self.d(x)
        f = self.d(self.fake(n).detach())
        grad, = torch.autograd.grad(out.sum(), x, create_graph=True)
        loss = F.softplus(-out).mean() + F.softplus(f).mean() + 0.1 * grad.pow(2).sum(1).mean()
        self.opt_d.zero_grad()
        loss.backward()
        self.opt_d.step()
        return loss.item()

    def g_step(self, n):
        loss = F.softplus(-self.d(self.fake(n))).mean()
        self.opt_g.zero_grad()
        loss.backward()
        self.opt_g.step()
        return loss.item()


if __name__ == "__main__":
    torch.manual_seed(40)
    gan = GAN()
    for it in range(900):
        ld = gan.d_step(128)
        lg = gan.g_step(128)
        if it % 100 == 0 or it == 899:
            with torch.no_grad():
                d = sliced_distance(gan.fake(2000), real(2000))
            print(f"{it:5d}  D {ld:.3f}  G {lg:.3f}  distance {d:.3f}")
