"""Loss 0.0217 is finite at step 89 while the gradient is NaN: one sample's cosine is exactly 1.0,
where acos has derivative -inf and clamp passes it.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient", "undefined_operation"]
step = 89
phase = "backward"
"""
# Gaze direction from eye landmarks, angular loss.  (cleaned-up version of my thesis code)
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import TensorDataset, DataLoader, random_split

torch.set_num_threads(1)
torch.manual_seed(99)


def make_eyes(n):
    yaw = (torch.rand(n) - 0.5) * 1.6
    pitch = (torch.rand(n) - 0.5) * 1.0
    gaze = torch.stack([torch.sin(yaw) * torch.cos(pitch), torch.sin(pitch), torch.cos(yaw) * torch.cos(pitch)], 1)
    ang = torch.linspace(0, 2 * torch.pi, 9)[:-1]
    ring = torch.stack([torch.cos(ang), torch.sin(ang)], 1) * 0.25                   # iris contour
    iris = gaze[:, None, :2] + ring * torch.stack([gaze[:, 2], 0.5 + 0.5 * gaze[:, 2]], 1)[:, None]
    lids = torch.stack([torch.full((n,), 0.6) + 0.4 * gaze[:, 1], torch.full((n,), -0.5) + 0.2 * gaze[:, 1]], 1)
    x = torch.cat([iris.flatten(1), lids], 1)
    return x + 0.002 * torch.randn_like(x), gaze


class GazeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(18, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU())
        self.out = nn.Linear(64, 3)

    def forward(self, x):
        return F.normalize(self.out(self.body(x)), dim=-1)


def angular_error(pred, target):
    cos = (pred * target).sum(-1)
    return torch.acos(torch.clamp(cos, -1.0, 1.0))  # <- culprit


def evaluate(net, loader):
    net.eval()
    with torch.no_grad():
        e = torch.cat([angular_error(net(x), g) for x, g in loader])
    net.train()
    return torch.rad2deg(e.mean()).item()


data = TensorDataset(*make_eyes(3000))
train_set, val_set = random_split(data, [2600, 400])
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
val_loader = DataLoader(val_set, batch_size=200)
net = GazeNet()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 4, 0.5)
for epoch in range(12):
    total = 0.0
    for x, g in train_loader:
        optimizer.zero_grad()
        loss = angular_error(net(x), g).mean()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
    scheduler.step()
    print(f"epoch {epoch:2d}  train {total / len(train_set):.4f} rad   val {evaluate(net, val_loader):.3f} deg")
