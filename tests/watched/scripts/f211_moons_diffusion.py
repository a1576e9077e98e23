"""Denoising diffusion on a 2-D two-moons cloud, micro-batched.

[truth]
family = "exploding_gradients"
causes = ["missing_zero_grad"]
step = 47
window = 25
"""
import math
import torch

torch.manual_seed(2)
T = 50
betas = torch.linspace(1e-3, 0.15, T)
abar = torch.cumprod(1 - betas, 0)
micro, accum, n_updates = 64, 4, 280


def moons(n):
    a = math.pi * torch.rand(n)
    flip = (torch.rand(n) < 0.5).float()
    x = torch.cos(a) * (1 - 2 * flip) + flip
    y = torch.sin(a) * (1 - 2 * flip) + 0.5 * flip
    return torch.stack([x - 0.5, y - 0.25], 1) + 0.05 * torch.randn(n, 2)


class Denoiser(torch.nn.Module):
    def __init__(self, h=96):
        super().__init__()
        self.temb = torch.nn.Embedding(T, 16)
        self.f = torch.nn.Sequential(
            torch.nn.Linear(18, h), torch.nn.SiLU(),
            torch.nn.Linear(h, h), torch.nn.SiLU(),
            torch.nn.Linear(h, 2))

    def forward(self, x, t):
        return self.f(torch.cat([x, self.temb(t)], 1))


model = Denoiser()
opt = torch.optim.SGD(model.parameters(), lr=0.002, momentum=0.9)
opt.zero_grad()
cloud = moons(8000)
update, window_loss = 0, 0.0
for i in range(n_updates * accum):
    x0 = cloud[torch.randint(len(cloud), (micro,))]
    t = torch.randint(0, T, (micro,))
    eps = torch.randn_like(x0)
    xt = abar[t].sqrt()[:, None] * x0 + (1 - abar[t]).sqrt()[:, None] * eps
    loss = (model(xt, t) - eps).pow(2).mean() / accum
    loss.backward()
    window_loss += loss.item()
    if (i + 1) % accum == 0:
        opt.step()
        if update % 10 == 0:
            print(f"update {update}: {window_loss:.4f}")
        window_loss = 0.0
        update += 1
