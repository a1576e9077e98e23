"""Estimates forest cover of satellite tiles, gradients accumulated over micro-batches.

[truth]
family = "exploding_gradients"
causes = ["undivided_accumulation", "learning_rate_too_high"]
step = 0
window = 6
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

ACCUMULATE = 16
MICRO = 4


class Tiles(Dataset):
    def __init__(self, n=1600):
        g = torch.Generator().manual_seed(91)
        self.cover = torch.rand(n, generator=g)
        self.pixels = self.cover[:, None, None, None] + 0.3 * torch.randn(n, 2, 6, 6, generator=g)

    def __len__(self):
        return len(self.cover)

    def __getitem__(self, i):
        return self.pixels[i], self.cover[i]


class CoverNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 8, 3)
        self.fc = nn.Linear(8 * 16, 1)

    def forward(self, x):
        return self.fc(torch.relu(self.conv(x)).flatten(1)).squeeze(1)


torch.manual_seed(91)
net = CoverNet()
optimizer = torch.optim.SGD(net.parameters(), lr=0.06)
criterion = nn.MSELoss()
update = 0
for epoch in range(2):
    optimizer.zero_grad()
    for i, (pixels, cover) in enumerate(DataLoader(Tiles(), batch_size=MICRO, shuffle=True)):
        loss = criterion(net(pixels), cover)
        loss.backward()
        if (i + 1) % ACCUMULATE == 0:
            optimizer.step()
            optimizer.zero_grad()
            update += 1
            print(f"update {update} loss {loss.item():.4g}")
