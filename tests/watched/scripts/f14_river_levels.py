"""Predicts river levels from upstream gauges, batches in the order of time.

[truth]
family = "bad_data"
causes = ["recurring_bad_batch", "outlier_batch"]
step = 5
window = 1
samples = [92]
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(19)


def gauges(days=192):
    upstream = torch.cumsum(0.2 * torch.randn(days, 4), 0)
    upstream = (upstream - upstream.mean(0)) / upstream.std(0)
    level = upstream @ torch.tensor([0.5, 0.2, -0.3, 0.4]) + 0.05 * torch.randn(days)
    level[92] = 640.0  # centimetres, all others in metres
    return TensorDataset(upstream, level)


class GaugeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 20)
        self.b = nn.Linear(20, 1)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)))[:, 0]


net = GaugeNet()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
loader = DataLoader(gauges(), batch_size=16, shuffle=False)
for epoch in range(9):
    losses = []
    for x, y in loader:
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)  # <- culprit
        loss.backward()
        opt.step()
        losses.append(loss.item())
    print(f"epoch {epoch} mean {sum(losses) / len(losses):.3f} max {max(losses):.3f}")
