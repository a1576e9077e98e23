"""Segments tumours in slices with a loss of sensitivity and specificity.

[truth]
family = "unstable_loss"
causes = ["division_by_zero"]
step = 8
window = 0
phase = "loss"
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Slices(Dataset):
    def __init__(self, n=180, size=12):
        g = torch.Generator().manual_seed(20)
        self.x = 0.2 * torch.randn(n, 1, size, size, generator=g)
        self.m = torch.zeros(n, 1, size, size)
        for i in range(n):
            if i in (97, 98):
                continue  # slices above the organ hold no tumour
            r, c = torch.randint(0, size - 4, (2,), generator=g).tolist()
            self.x[i, 0, r : r + 4, c : c + 4] += 1.0
            self.m[i, 0, r : r + 4, c : c + 4] = 1.0

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.m[i]


class SensitivityLoss(nn.Module):
    def forward(self, prob, mask):
        prob, mask = prob.flatten(1), mask.flatten(1)
        sensitivity = (prob * mask).sum(1) / mask.sum(1)  # <- culprit
        specificity = ((1 - prob) * (1 - mask)).sum(1) / (1 - mask).sum(1)
        return (2 - sensitivity - specificity).mean()


torch.manual_seed(20)
unet = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(),
    nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
    nn.Conv2d(8, 1, 1), nn.Sigmoid(),
)
criterion = SensitivityLoss()
adam = torch.optim.Adam(unet.parameters(), lr=5e-3)
for epoch in range(5):
    for n, (x, m) in enumerate(DataLoader(Slices(), batch_size=9, shuffle=True)):
        adam.zero_grad()
        loss = criterion(unet(x), m)
        loss.backward()
        adam.step()
    print(f"epoch {epoch} last loss {loss.item():.4f}")
