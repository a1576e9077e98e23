"""Predicts flat prices from a small table with a two-layer network.

[truth]
family = "bad_data"
causes = ["nonfinite_input"]
step = 4
window = 0
phase = "input"
samples = [437]
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)

n = 640
area = 40 + 80 * torch.rand(n)
rooms = torch.randint(1, 6, (n,)).float()
baths = torch.randint(1, 3, (n,)).float()
age = 60 * torch.rand(n)
# one listing was entered with nothing but its address
rooms[437] = 0.0
baths[437] = 0.0

price = 2.5 * area - 0.6 * age + 15 * baths + 5 * torch.randn(n)

X = torch.stack([area / 100, rooms / 5, age / 60, baths / rooms], dim=1)
y = (price / 100).unsqueeze(1)

loader = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)

net = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
criterion = nn.MSELoss()

it = 0
for epoch in range(4):
    for xb, yb in loader:
        optimizer.zero_grad()
        out = net(xb)  # <- culprit
        loss = criterion(out, yb)
        loss.backward()
        optimizer.step()
        if it % 10 == 0:
            print(f"epoch {epoch} it {it:3d} loss {loss.item():.4f}")
        it += 1
print("done")
