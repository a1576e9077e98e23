"""Learns shape codes whose covariance is whitened through its eigenvectors.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient"]
step = 7
window = 0
phase = "backward"
"""
import torch
from torch import nn

torch.manual_seed(27)


class ShapeCoder(nn.Module):
    def __init__(self, d=10, k=4):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(d, 24), nn.ReLU(), nn.Linear(24, k), nn.ReLU())
        self.dec = nn.Linear(k, d)

    def whiten(self, z):
        zc = z - z.mean(0)
        cov = zc.T @ zc / (len(z) - 1)
        lam, vec = torch.linalg.eigh(cov)  # <- culprit
        return zc @ vec / (lam + 0.05).sqrt()

    def forward(self, x):
        return self.dec(self.whiten(self.enc(x)))


basis = torch.randn(3, 10)
coder = ShapeCoder()
opt = torch.optim.SGD(coder.parameters(), lr=0.02, momentum=0.9)
for step in range(150):
    x = torch.randn(40, 3) @ basis + 0.1 * torch.randn(40, 10)
    loss = nn.functional.mse_loss(coder(x), x)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 15 == 0:
        print(f"{step:3d} reconstruction {loss.item():.4f}")
