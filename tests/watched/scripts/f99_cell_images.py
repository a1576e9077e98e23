"""Counts cells in images; the learning rate is lowered when the loss stops falling.

[truth]
family = "stalled_training"
causes = ["collapsed_learning_rate"]
step = 8
window = 10
"""
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2), nn.ReLU()
        )
        self.fc = nn.Linear(8 * 16, 1)

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1)).squeeze(1)


def slides(n, size=12):
    count = torch.randint(0, 8, (n,))
    img = 0.1 * torch.randn(n, 1, size, size)
    for i in range(n):
        spots = torch.randperm(size * size)[: int(count[i])]
        img[i, 0].view(-1)[spots] += 1.0
    return img, count.float()


def main():
    torch.manual_seed(17)
    model = Counter()
    opt = torch.optim.SGD(model.parameters(), lr=0.01)
    plateau = ReduceLROnPlateau(opt, factor=0.1, patience=0, eps=0.0)
    for step in range(150):
        img, count = slides(12)
        loss = nn.functional.mse_loss(model(img), count)
        opt.zero_grad()
        loss.backward()
        opt.step()
        plateau.step(loss.item())
        if step % 15 == 0:
            print(f"step {step:3d} mse {loss.item():.3f} lr {opt.param_groups[0]['lr']:.1e}")


main()
