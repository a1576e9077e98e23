"""Predicts a stay in hospital from records with holes (NaN), which are filled before use.

[truth]
family = "healthy"
causes = []
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Records(Dataset):
    def __init__(self, n=400):
        g = torch.Generator().manual_seed(5)
        self.values = torch.randn(n, 9, generator=g)
        self.days = 3 + self.values[:, 0] - 2 * self.values[:, 4].abs()
        self.values[torch.rand(n, 9, generator=g) < 0.2] = float("nan")

    def __len__(self):
        return len(self.days)

    def __getitem__(self, i):
        return self.values[i], self.days[i]


class StayModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(18, 40), nn.ReLU(), nn.Linear(40, 1))

    def forward(self, x):
        missing = torch.isnan(x)
        filled = torch.where(missing, torch.zeros_like(x), x)
        return self.net(torch.cat([filled, missing.float()], dim=1)).squeeze(1)


def main():
    torch.manual_seed(5)
    model = StayModel()
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    loader = DataLoader(Records(), batch_size=20, shuffle=True, num_workers=2)
    for epoch in range(5):
        total = 0.0
        for x, days in loader:
            loss = nn.functional.smooth_l1_loss(model(x), days)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        print(f"epoch {epoch}: {total / len(loader):.4f}")


if __name__ == "__main__":
    main()
