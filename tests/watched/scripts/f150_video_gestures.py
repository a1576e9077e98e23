"""Gesture recognition from tiny synthetic video clips with a 3-D convolution.

[truth]
family = "exploding_gradients"
causes = ["learning_rate_schedule"]
step = 120
window = 16
"""
import torch
import torch.nn as nn
import torch.nn.functional as F


def make_videos(n, frames=6, size=14, seed=0):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 4, (n,), generator=g)
    vel = torch.tensor([[1, 0], [-1, 0], [0, 1], [0, -1]])[y].float()
    pos = size / 2 + torch.randn(n, 2, generator=g) * 1.5
    grid = torch.stack(torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij"), -1).float()
    out = []
    for f in range(frames):
        c = pos + vel * (f - frames / 2)
        out.append(torch.exp(-((grid[None] - c[:, None, None]) ** 2).sum(-1) / 3))
    v = torch.stack(out, 1)[:, None]
    return v + 0.15 * torch.randn(v.shape, generator=g), y


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv3d(1, 8, 3, padding=1)
        self.c2 = nn.Conv3d(8, 16, 3, stride=(1, 2, 2), padding=1)
        self.c3 = nn.Conv3d(16, 16, 3, stride=(2, 2, 2), padding=1)
        self.fc = nn.Linear(16 * 3 * 4 * 4, 4)

    def forward(self, x):
        x = F.relu(self.c1(x))
        x = F.relu(self.c2(x))
        x = F.relu(self.c3(x))
        return self.fc(x.flatten(1))


torch.manual_seed(1)
x, y = make_videos(960)
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[4, 6], gamma=10)

for epoch in range(8):
    perm = torch.randperm(len(x))
    for i in range(0, len(x), 32):
        idx = perm[i:i + 32]
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
    scheduler.step()
    print("epoch %d  lr %.4f  loss %.4f" % (epoch, scheduler.get_last_lr()[0], loss.item()))
