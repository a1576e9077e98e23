"""Small CNN scoring cell density in microscope patches (relative scores).

[truth]
family = "bad_data"
causes = ["partial_last_batch"]
step = 35
window = 0
phase = "target"
"""
import argparse
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import TensorDataset, DataLoader, random_split

parser = argparse.ArgumentParser(description="cell density")
parser.add_argument("--bs", default=24, type=int)
parser.add_argument("--epochs", default=4, type=int)
parser.add_argument("--lr", default=0.005, type=float)
parser.add_argument("--val-frac", default=0.2, type=float)
opts = parser.parse_args()

torch.manual_seed(1234)
r = np.random.RandomState(1234)


def patch():
    n = r.randint(1, 15)
    yy, xx = np.mgrid[0:16, 0:16]
    im = 0.05 * r.randn(16, 16)
    for _ in range(n):
        cy, cx = r.uniform(1, 15, 2)
        im += np.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) / 2.0)
    return im, n


pairs = [patch() for _ in range(1051)]
images = torch.tensor(np.stack([p[0] for p in pairs]), dtype=torch.float32).unsqueeze(1)
counts = torch.tensor([float(p[1]) for p in pairs])

full = TensorDataset(images, counts)
n_val = int(opts.val_frac * len(full))
train_set, val_set = random_split(full, [len(full) - n_val, n_val])
train_loader = DataLoader(train_set, batch_size=opts.bs, shuffle=True)

net = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
    nn.Flatten(), nn.Linear(64, 1),
)
optimizer = torch.optim.SGD(net.parameters(), lr=opts.lr, momentum=0.9, nesterov=True)

for ep in range(opts.epochs):
    running = []
    for img, cnt in train_loader:
        score = net(img)[:, 0]
        rel = (cnt - cnt.mean()) / (cnt.std() + 1e-6)  # <- culprit
        loss = ((score - rel) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running.append(loss.item())
    with torch.no_grad():
        vi = torch.stack([v[0] for v in val_set])
        vc = torch.stack([v[1] for v in val_set])
        corr = np.corrcoef(net(vi)[:, 0].numpy(), vc.numpy())[0, 1]
    print("[ep %d] train %.4f  val corr %.3f" % (ep, np.mean(running), corr))
