"""Sqrt of squared distance 0 (clusters with fewer points than 24 are resampled, coincident
neighbours) gives inf/NaN in backward.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient"]
step = 11
phase = "backward"
"""
"""Set classifier on LiDAR clusters using k-nearest-neighbour edge features (DGCNN style)."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import Dataset, DataLoader

torch.set_num_threads(1)
torch.manual_seed(2024)


class Clusters(Dataset):
    """0 = box, 1 = pole, 2 = shrub. Points are resampled to a fixed count."""

    def __init__(self, n, seed):
        self.g = torch.Generator().manual_seed(seed)
        self.items = [self.make() for _ in range(n)]

    def make(self):
        g = self.g
        label = int(torch.randint(0, 3, (1,), generator=g))
        m = int(torch.randint(24, 80, (1,), generator=g))
        if torch.rand(1, generator=g) < 0.004:
            m = 16
        if label == 0:
            p = torch.rand(m, 3, generator=g) - 0.5
            p[:, 0] = p[:, 0].sign() * 0.5
        elif label == 1:
            p = torch.randn(m, 3, generator=g) * torch.tensor([0.05, 0.05, 0.8])
        else:
            p = torch.randn(m, 3, generator=g) * 0.4
        return p, label

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        p, label = self.items[i]
        n = 24
        if len(p) >= n:
            sel = torch.linspace(0, len(p) - 1, n).long()
        else:
            sel = torch.arange(n) % len(p)
        return p[sel], label


class EdgeNet(nn.Module):
    def __init__(self, k=8):
        super().__init__()
        self.k = k
        self.offset = nn.Linear(3, 3)
        self.edge = nn.Sequential(nn.Linear(7, 32), nn.ReLU(), nn.Linear(32, 64))
        self.cls = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 3))

    def forward(self, x):
        q = x + 0.1 * torch.tanh(self.offset(x))
        idx = torch.cdist(q, q).topk(self.k + 1, largest=False).indices[..., 1:]
        nb = torch.gather(q.unsqueeze(1).expand(-1, q.size(1), -1, -1), 2, idx.unsqueeze(-1).expand(-1, -1, -1, 3))
        diff = nb - q.unsqueeze(2)
        length = torch.sqrt((diff ** 2).sum(-1, keepdim=True))  # <- culprit
        e = torch.cat([q.unsqueeze(2).expand_as(diff), diff, length], -1)
        return self.cls(self.edge(e).amax(2).mean(1))


train = DataLoader(Clusters(3000, 1), batch_size=25, shuffle=True)
test = DataLoader(Clusters(300, 2), batch_size=100)
net = EdgeNet()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(5):
    net.train()
    run = 0.0
    for pts, lab in train:
        loss = F.cross_entropy(net(pts), lab)
        opt.zero_grad()
        loss.backward()
        opt.step()
        run += loss.item()
    net.eval()
    with torch.no_grad():
        acc = sum((net(p).argmax(1) == l).sum().item() for p, l in test) / 300
    print(f"epoch {epoch} loss {run / len(train):.4f} test acc {acc:.3f}")
