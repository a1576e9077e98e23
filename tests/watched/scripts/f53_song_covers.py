"""Learns to recognise cover versions of songs from pairs (siamese network).

[truth]
family = "unstable_loss"
causes = ["undefined_gradient"]
step = 14
window = 0
phase = "backward"
"""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


class CoverPairs(Dataset):
    def __init__(self, songs=40, pairs=320):
        gen = torch.Generator().manual_seed(90)
        self.song = torch.randn(songs, 18, generator=gen)
        self.index = torch.randint(0, songs, (pairs, 2), generator=gen)
        self.index[::2, 1] = self.index[::2, 0]
        self.noise = 0.3 * torch.randn(pairs, 2, 18, generator=gen)
        self.index[234] = 7
        self.noise[234] = 0.0  # the same file twice

    def __len__(self):
        return len(self.index)

    def __getitem__(self, k):
        a, b = self.index[k]
        x = self.song[a] + self.noise[k, 0]
        y = self.song[b] + self.noise[k, 1]
        return x, y, (a == b).float()


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.tower = nn.Sequential(nn.Linear(18, 32), nn.ELU(), nn.Linear(32, 6))

    def forward(self, x, y):
        delta = self.tower(x) - self.tower(y)
        return (delta * delta).sum(1).sqrt()  # <- culprit


def contrastive_loss(d, same, margin=1.0):
    return (same * d**2 + (1 - same) * F.relu(margin - d) ** 2).mean()


def main():
    torch.manual_seed(7)
    net = Siamese()
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(6):
        total = 0.0
        loader = DataLoader(CoverPairs(), batch_size=20, shuffle=True)
        for x, y, same in loader:
            loss = contrastive_loss(net(x, y), same)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        print("epoch", epoch, "loss", total / len(loader))


main()
