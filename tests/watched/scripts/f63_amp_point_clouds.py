"""Keeps distances of point clouds in a plane; mixed precision with a gradient scaler.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient", "loss_scale_collapse"]
step = 0
window = 0
phase = "backward"
"""
import torch
from torch import nn


def distances(p):
    gap = p[:, None, :] - p[None, :, :]
    return gap.float().pow(2).sum(-1).sqrt()  # <- culprit


class Projector(nn.Module):
    def __init__(self, d=9):
        super().__init__()
        self.stack = nn.Sequential(nn.Linear(d, 40), nn.SiLU(), nn.Linear(40, 2))

    def forward(self, x):
        return self.stack(x)


def run(steps=110):
    torch.manual_seed(72)
    net = Projector()
    opt = torch.optim.AdamW(net.parameters(), lr=4e-3)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12)
    axes = torch.randn(2, 9)
    for k in range(steps):
        plane = torch.randn(30, 2)
        cloud = plane @ axes + 0.05 * torch.randn(30, 9)
        with torch.autocast("cpu", dtype=torch.float16):
            flat = net(cloud)
        stress = (distances(flat) - distances(plane)).pow(2).mean()
        opt.zero_grad(set_to_none=True)
        scaler.scale(stress).backward()
        scaler.step(opt)
        scaler.update()
        if k % 10 == 0:
            print(f"step {k}: stress {stress.item():.4f}, loss scale {scaler.get_scale():g}")


run()
