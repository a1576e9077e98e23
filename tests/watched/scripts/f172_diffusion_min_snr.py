"""Trains a DDPM (noise prediction) on a synthetic 2-D spiral, with a cosine schedule and min-SNR loss weighting.

[truth]
family = "unstable_loss"
causes = ["division_by_zero"]
step = 50
window = 0
phase = "loss"
"""
import math
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2024)
torch.set_num_threads(1)


def cosine_alphas_cumprod(T, rescale_zero_terminal=True):
    s = 0.008
    t = torch.linspace(0, 1, T + 1)[1:]
    ab = torch.cos((t + s) / (1 + s) * math.pi / 2) ** 2 / math.cos(s / (1 + s) * math.pi / 2) ** 2
    if rescale_zero_terminal:
        # "Common diffusion noise schedules and sample steps are flawed", algorithm 1
        r = ab.sqrt()
        r0, rT = r[0].clone(), r[-1].clone()
        r = (r - rT) * r0 / (r0 - rT)
        ab = r ** 2
    return ab


class Denoiser(nn.Module):
    def __init__(self, width=96, freqs=8):
        super().__init__()
        self.register_buffer("f", 2.0 ** torch.arange(freqs) * math.pi / 2)
        self.inp = nn.Linear(2 + 2 * freqs, width)
        self.hidden = nn.ModuleList([nn.Linear(width, width) for _ in range(3)])
        self.out = nn.Linear(width, 2)

    def forward(self, x, t):
        e = t[:, None] * self.f
        h = self.inp(torch.cat([x, e.sin(), e.cos()], 1))
        for l in self.hidden:
            h = h + l(nn.functional.silu(h))
        return self.out(nn.functional.silu(h))


class Diffusion:
    def __init__(self, T=4000, gamma=5.0):
        self.T, self.gamma = T, gamma
        self.ab = cosine_alphas_cumprod(T)

    def loss(self, net, x0):
        t = torch.randint(0, self.T, (len(x0),))
        eps = torch.randn_like(x0)
        ab = self.ab[t][:, None]
        xt = ab.sqrt() * x0 + (1 - ab).sqrt() * eps
        mse = (net(xt, t / self.T) - eps).pow(2).mean(1)
        snr = self.ab[t] / (1 - self.ab[t])
        weight = snr.clamp(max=self.gamma) / snr  # <- culprit
        return (weight * mse).mean()


def spiral(n):
    th = torch.rand(n).sqrt() * 3 * math.pi
    x = torch.stack([th * th.cos(), th * th.sin()], 1) / 5
    return x + 0.03 * torch.randn_like(x)


if __name__ == "__main__":
    loader = DataLoader(TensorDataset(spiral(8192)), batch_size=64, shuffle=True, drop_last=True)
    net, diff = Denoiser(), Diffusion()
    ema = {k: v.clone() for k, v in net.state_dict().items()}
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3)
    n = 0
    for epoch in range(12):
        tot = 0.0
        for (x,) in loader:
            loss = diff.loss(net, x)
            opt.zero_grad()
            loss.backward()
            opt.step()
            for k, v in net.state_dict().items():
                ema[k].mul_(0.995).add_(v, alpha=0.005)
            tot += loss.item()
            n += 1
        print(f"epoch {epoch} ({n} steps) loss {tot / len(loader):.4f}")
