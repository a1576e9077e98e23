"""Segments lesions with a small fully convolutional network.

[truth]
family = "bad_data"
causes = ["target_out_of_range", "unbounded_loss"]
step = 0
window = 3
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Lesions(Dataset):
    def __init__(self, count=96, size=16):
        g = torch.Generator().manual_seed(40)
        self.images = torch.rand(count, 1, size, size, generator=g) * 0.3
        self.masks = torch.zeros(count, 1, size, size, dtype=torch.uint8)
        for i in range(count):
            r, c = torch.randint(0, size - 6, (2,), generator=g).tolist()
            self.images[i, 0, r : r + 6, c : c + 6] += 0.6
            self.masks[i, 0, r : r + 6, c : c + 6] = 255  # as in the PNG files

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i], self.masks[i].float()


def conv(cin, cout):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU())


def main():
    torch.manual_seed(12)
    net = nn.Sequential(conv(1, 8), conv(8, 8), nn.Conv2d(8, 1, 1))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    criterion = nn.BCEWithLogitsLoss()
    loader = DataLoader(Lesions(), batch_size=8, shuffle=True)
    for epoch in range(6):
        for image, mask in loader:
            loss = criterion(net(image), mask)  # <- culprit
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(f"epoch {epoch}: loss {loss.item():.2f}")


main()
