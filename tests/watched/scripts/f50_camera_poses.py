"""Smooths a camera trajectory; consecutive poses are compared by the angle of quaternions.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient"]
step = 87
window = 0
phase = "backward"
"""
import torch
from torch import nn
from torch.nn import functional as F


class PoseNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 4))

    def forward(self, imu):
        return F.normalize(self.mlp(imu), dim=-1)


def angle(q1, q2):
    dot = (q1 * q2).sum(-1).abs()
    return 2 * torch.acos(dot)  # <- culprit


torch.manual_seed(4)
net = PoseNet()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
mix = torch.randn(6, 4)
for step in range(150):
    imu = torch.cumsum(0.2 * torch.randn(33, 6), dim=0)
    if step % 50 == 37:
        imu[12:20] = imu[11]  # the camera rests on a table
    truth = F.normalize(imu @ mix, dim=-1)
    q = net(imu)
    fit = ((q[1:] - truth[1:]) ** 2).sum(-1).mean()
    smooth = angle(q[1:], q[:-1]).mean()
    loss = fit + 0.05 * smooth
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 15 == 0:
        print(f"step {step:3d} fit {fit.item():.4f} smooth {smooth.item():.4f}")
