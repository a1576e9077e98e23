"""Float16 sum over crystal energies overflows 65504 for events above 65 GeV; inf.

[truth]
family = "unstable_loss"
causes = ["half_precision_overflow"]
step = 18
phase = "forward"
"""
# e/pi separation from a 10x10 calorimeter crystal matrix, energies in MeV
import numpy as np, torch
from torch import nn
torch.set_num_threads(1)
rng = np.random.default_rng(314)
torch.manual_seed(314)

def shower(n):
    kind = rng.integers(0, 2, n)
    e0 = 2.0e3 * (1 - rng.random(n)) ** (-1 / 2.2)          # power-law spectrum
    e0 = np.minimum(e0, 1.5e5)
    yy, xx = np.mgrid[:10, :10]
    cy, cx = rng.normal(4.5, 0.8, (2, n))
    w = np.where(kind == 1, rng.normal(0.9, 0.1, n), rng.normal(1.5, 0.35, n)).clip(0.4)
    r2 = (yy[None] - cy[:, None, None]) ** 2 + (xx[None] - cx[:, None, None]) ** 2
    prof = np.exp(-r2 / (2 * w[:, None, None] ** 2))
    prof *= rng.gamma(4, 0.25, prof.shape)
    prof /= prof.sum((1, 2), keepdims=True)
    return torch.tensor(prof * e0[:, None, None], dtype=torch.float32), torch.tensor(kind, dtype=torch.float32)

hits, kind = shower(12000)
hits = hits.half()          # the DAQ files store half precision

class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten())
        self.head = nn.Sequential(nn.Linear(16 * 36 + 1, 32), nn.ReLU(), nn.Linear(32, 1))
    def forward(self, h):
        etot = h.sum(dim=(1, 2))  # <- culprit
        frac = h.float() / etot.float()[:, None, None]
        loge = torch.log10(etot.float())[:, None] - 3.5
        return self.head(torch.cat([self.conv(frac.unsqueeze(1) * 10), loge], 1)).squeeze(1)

net = Tagger()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
bce = nn.BCEWithLogitsLoss()
perm = torch.randperm(12000)
train, test = perm[:10800], perm[10800:]
for ep in range(4):
    s = 0.0
    for b in train[torch.randperm(10800)].split(60):
        loss = bce(net(hits[b]), kind[b])
        opt.zero_grad(); loss.backward(); opt.step()
        s += loss.item() / 180
    with torch.no_grad():
        acc = ((net(hits[test]) > 0) == (kind[test] > 0.5)).float().mean()
    print(f"{ep}: {s:.4f}  acc {acc:.4f}")
