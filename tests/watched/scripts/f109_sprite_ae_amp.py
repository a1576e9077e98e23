"""Mixed-precision sprite autoencoder with a channel-energy term switched on after a warm start.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient", "loss_scale_collapse"]
step = 60
window = 0
phase = "backward"
"""
import torch
from torch import nn
import torch.nn.functional as F


def sprites(n, g):
    """RGBA tiles; this pack is fully opaque, so the transparency plane stays empty."""
    z = torch.rand(n, 6, generator=g)
    xx = torch.linspace(-1, 1, 10)
    r = (xx[None, :, None] - z[:, 0, None, None] + 0.5) ** 2 + (xx[None, None, :] - z[:, 1, None, None] + 0.5) ** 2
    body = torch.exp(-r / (0.1 + 0.3 * z[:, 2, None, None]))
    rgb = body[:, None] * z[:, 3:6, None, None]
    return torch.cat([rgb, torch.zeros(n, 1, 10, 10)], 1)


class AE(nn.Module):
    def __init__(self, k=12):
        super().__init__()
        self.enc = nn.Sequential(nn.Flatten(), nn.Linear(400, 96), nn.ReLU(), nn.Linear(96, k))
        self.dec = nn.Sequential(nn.Linear(k, 96), nn.ReLU(), nn.Linear(96, 400))

    def forward(self, x):
        return self.dec(self.enc(x)).view(-1, 4, 10, 10)


def energy(t):
    return t.pow(2).mean(dim=(2, 3)).sqrt()  # <- culprit


def visible(t, src):
    return t * (src.amax(dim=(2, 3), keepdim=True) > 0)


def train(steps=260, energy_from=60):
    torch.manual_seed(0)
    g = torch.Generator().manual_seed(10)
    net = AE()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for step in range(steps):
        x = sprites(32, g)
        opt.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            y = net(x)
        y = visible(y.float(), x)
        loss = F.mse_loss(y, x)
        if step >= energy_from:
            loss = loss + 0.1 * F.l1_loss(energy(y), energy(x))
        scaler.scale(loss).backward()
        scaler.step(opt)
        scaler.update()
        if step % 20 == 0:
            print(f"{step:4d} loss {loss.item():.5f} scale {scaler.get_scale():g}")


if __name__ == "__main__":
    train()
