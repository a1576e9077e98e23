"""EMA weights are loaded for the preview and never restored: the training weights are overwritten
every 200 steps.

[truth]
family = "corrupted_state"
causes = ["corrupted_weights"]
step = 200
window = 1
"""
import math
import torch
import torch.nn as nn


class EMA:
    def __init__(self, model, decay=0.9999):
        self.decay = decay
        self.shadow = {k: v.detach().clone() for k, v in model.state_dict().items()}
        self.backup = None

    def update(self, model):
        for k, v in model.state_dict().items():
            self.shadow[k].mul_(self.decay).add_(v.detach(), alpha=1 - self.decay)

    def apply(self, model):
        self.backup = {k: v.detach().clone() for k, v in model.state_dict().items()}
        model.load_state_dict(self.shadow)

    def restore(self, model):
        model.load_state_dict(self.backup)


class Denoiser(nn.Module):
    def __init__(self, h=96):
        super().__init__()
        self.register_buffer("freq", torch.exp(torch.linspace(0, 4, 8)))
        self.net = nn.Sequential(nn.Linear(2 + 16, h), nn.SiLU(), nn.Linear(h, h), nn.SiLU(), nn.Linear(h, h), nn.SiLU(),
                                 nn.Linear(h, 2))

    def forward(self, x, t):
        e = t[:, None] * self.freq
        return self.net(torch.cat([x, e.sin(), e.cos()], -1))


def moons(n):
    a = math.pi * torch.rand(n)
    side = (torch.rand(n) < 0.5).float()
    x = torch.stack([torch.cos(a) * (1 - 2 * side) + side, torch.sin(a) * (1 - 2 * side) + 0.5 * side], -1)
    return (x + 0.04 * torch.randn_like(x) - torch.tensor([0.5, 0.25])) / 0.8


T = 100
beta = torch.linspace(1e-3, 0.08, T)
abar = torch.cumprod(1 - beta, 0)


@torch.no_grad()
def sample(model, n):
    x = torch.randn(n, 2)
    for k in reversed(range(T)):
        eps = model(x, torch.full((n,), k / T))
        x = (x - beta[k] / (1 - abar[k]).sqrt() * eps) / (1 - beta[k]).sqrt()
        if k:
            x = x + beta[k].sqrt() * torch.randn_like(x)
    return x


def preview(model, ema):
    model.eval()
    ema.apply(model)
    s = sample(model, 512)
    ref = moons(512)
    model.train()
    return torch.cdist(ref, s).min(1).values.mean().item()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = Denoiser()
    ema = EMA(model)
    opt = torch.optim.AdamW(model.parameters(), lr=4e-4)
    run = 0.0
    for it in range(1, 2401):
        x0 = moons(256)
        k = torch.randint(0, T, (256,))
        eps = torch.randn_like(x0)
        xt = abar[k].sqrt()[:, None] * x0 + (1 - abar[k]).sqrt()[:, None] * eps
        loss = (model(xt, k / T) - eps).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        ema.update(model)
        run = 0.95 * run + 0.05 * loss.item() if it > 1 else loss.item()
        if it % 40 == 0:
            print(f"it {it} loss {loss.item():.4f} avg {run:.4f}")
        if it % 200 == 0:
            print(f"it {it} coverage {preview(model, ema):.4f}")


if __name__ == "__main__":
    main()
