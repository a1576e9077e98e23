"""Fits the default rate on raw loan records (amounts in euros, dates in days).

[truth]
family = "bad_data"
causes = ["unscaled_features"]
step = 0
window = 3
"""
import torch
import torch.nn as nn

torch.manual_seed(30)

N = 600
amount = 1000 + 49000 * torch.rand(N)
income = 12000 + 90000 * torch.rand(N)
start_day = 15000 + 4000 * torch.rand(N)
late = torch.randint(0, 4, (N,)).float()
features = torch.stack((amount, income, start_day, late), 1)
score = (amount - 25000) / 15000 - (income - 57000) / 30000 - 0.4 * late

mlp = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
sgd = torch.optim.SGD(mlp.parameters(), lr=0.01)

for i in range(100):
    rows = torch.randint(0, N, (32,))
    guess = mlp(features[rows]).squeeze(1)  # <- culprit
    err = (guess - score[rows]).square().mean()
    sgd.zero_grad()
    err.backward()
    sgd.step()
    if i % 10 == 0:
        print(i, err.item())
