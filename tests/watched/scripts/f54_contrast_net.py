"""Classifies textures with a convolution followed by local contrast normalisation.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient"]
step = 57
window = 0
phase = "backward"
"""
import torch
from torch import nn


class ContrastNorm(nn.Module):
    def __init__(self, eps=1e-3):
        super().__init__()
        self.eps = eps

    def forward(self, x):
        centred = x - x.mean(dim=(2, 3), keepdim=True)
        spread = torch.sqrt((centred**2).mean(dim=(2, 3), keepdim=True))  # <- culprit
        return centred / (spread + self.eps)


def make_net():
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, bias=False), ContrastNorm(), nn.ReLU(),
        nn.Conv2d(6, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.Linear(32, 3),
    )


def textures(n):
    kind = torch.randint(0, 3, (n,))
    img = torch.randn(n, 1, 12, 12)
    img[kind == 1] = img[kind == 1].cumsum(2) * 0.3
    img[kind == 2] = img[kind == 2].cumsum(3) * 0.3
    return img, kind


if __name__ == "__main__":
    torch.manual_seed(64)
    net = make_net()
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for step in range(100):
        img, kind = textures(16)
        if step == 57:
            img[3] = 0.0  # camera with its cap on
        loss = nn.functional.cross_entropy(net(img), kind)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 10 == 0:
            print(f"step {step}: cross entropy {loss.item():.4f}")
