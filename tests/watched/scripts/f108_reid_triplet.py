"""Person re-identification toy: batch-all triplets from a PxK sampler.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient"]
step = 140
window = 0
phase = "backward"
"""
import random
import torch
import torch.nn as nn

P, K, MARGIN = 8, 4, 0.5


class Gallery:
    def __init__(self, seed=5):
        g = torch.Generator().manual_seed(seed)
        self.by_id = []
        for ident in range(60):
            base = torch.randn(3, 12, 6, generator=g)
            shots = 8 if ident < 40 else 3
            self.by_id.append(base + 0.6 * torch.randn(shots, 3, 12, 6, generator=g))

    def batch(self, rng, upto):
        ids = rng.sample(range(upto), P)
        xs, ys = [], []
        for i in ids:
            shots = self.by_id[i]
            n = len(shots)
            pick = rng.sample(range(n), K) if n >= K else rng.choices(range(n), k=K)
            xs.append(shots[pick])
            ys += [i] * K
        return torch.cat(xs), torch.tensor(ys)


class Embed(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.LeakyReLU(0.1),
                                  nn.Conv2d(32, 32, 3, 2, 1), nn.LeakyReLU(0.1))
        self.fc = nn.Linear(32 * 6 * 3, 24)

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))


def pair_distances(z):
    i, j = torch.triu_indices(len(z), len(z), 1)
    d = (z[i] - z[j]).pow(2).sum(1).sqrt()  # <- culprit
    full = z.new_zeros(len(z), len(z))
    full[i, j] = d
    full[j, i] = d
    return full


def batch_all(z, y):
    d = pair_distances(z)
    same = y[:, None] == y[None]
    eye = torch.eye(len(y), dtype=torch.bool)
    ap = (same & ~eye)[:, :, None]
    an = (~same)[:, None, :]
    trip = d[:, :, None] - d[:, None, :] + MARGIN
    m = ap & an
    return trip[m].clamp_min(0).mean()


rng = random.Random(1)
torch.manual_seed(1)
gallery = Gallery()
net = Embed()
opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 300)
log = []
for step in range(300):
    # second camera (ids 40+) joins after the first phase
    x, y = gallery.batch(rng, 40 if step < 140 else 60)
    loss = batch_all(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    log.append((step, loss.item()))
    if step % 25 == 24:
        print("step", step + 1, "triplet %.4f" % loss.item())
