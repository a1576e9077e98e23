"""Tells round from elongated galaxies; the training part comes from random_split.

[truth]
family = "bad_data"
causes = ["nonfinite_input"]
step = 19
window = 0
phase = "input"
samples = [118]
"""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split


class Galaxies(Dataset):
    def __init__(self, n=300):
        g = torch.Generator().manual_seed(50)
        ys, xs = torch.meshgrid(torch.linspace(-1, 1, 14), torch.linspace(-1, 1, 14), indexing="ij")
        self.label = torch.randint(0, 2, (n,), generator=g)
        stretch = 1.0 + 1.5 * self.label.float()
        r2 = xs**2 + (ys**2) * stretch[:, None, None] ** 2
        self.image = torch.exp(-4 * r2) + 0.05 * torch.randn(n, 14, 14, generator=g)
        self.image[118, 3, 7] = float("nan")  # dead pixel

    def __len__(self):
        return len(self.label)

    def __getitem__(self, i):
        return self.image[i].unsqueeze(0), self.label[i]


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 12, 3)
        self.fc = nn.Linear(12 * 2 * 2, 2)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # <- culprit
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


@torch.no_grad()
def evaluate(model, loader):
    hits = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return hits / len(loader.dataset)


full = Galaxies()
# the split indices name rows of the full data set: 118 is a row of `full`
train, test = random_split(full, [240, 60], torch.Generator().manual_seed(1))
torch.manual_seed(24)
model = CNN()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
train_loader = DataLoader(train, batch_size=12, shuffle=True)
test_loader = DataLoader(test, batch_size=60)
for epoch in range(4):
    for x, y in train_loader:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    print(f"epoch {epoch} test accuracy {evaluate(model, test_loader):.3f}")
