"""Cyclic learning rate, mixup, EMA weights swapped in for evaluation and back.

[truth]
family = "healthy"
causes = []
"""
# %% [code]
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import TensorDataset, DataLoader
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.set_num_threads(1)
SEED = 2021
np.random.seed(SEED); torch.manual_seed(SEED)

class CFG:
    n_class = 6
    n_train = 3072
    bs = 64
    epochs = 12
    max_lr = 0.12
    base_lr = 0.002
    mixup_alpha = 0.4

# %% [code]
freq = np.random.uniform(2, 12, (CFG.n_class, 3))
def call(n):
    y = np.random.randint(0, CFG.n_class, n)
    t = np.linspace(0, 1, 64)
    ph = np.random.uniform(0, 6.28, (n, 3, 1))
    x = np.sin(2 * np.pi * freq[y][:, :, None] * t + ph).sum(1) + 0.6 * np.random.randn(n, 64)
    return torch.tensor(x, dtype=torch.float32).unsqueeze(1), torch.tensor(y)

xt, yt = call(CFG.n_train); xv, yv = call(800)
train_dl = DataLoader(TensorDataset(xt, yt), batch_size=CFG.bs, shuffle=True, drop_last=True)

# %% [code]
model = nn.Sequential(nn.Conv1d(1, 24, 9, 2), nn.BatchNorm1d(24), nn.ReLU(), nn.Conv1d(24, 48, 7, 2), nn.BatchNorm1d(48), nn.ReLU(),
                      nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(48, CFG.n_class))
ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.99), use_buffers=True)
opt = torch.optim.SGD(model.parameters(), lr=CFG.base_lr, momentum=0.9, nesterov=True)
sched = torch.optim.lr_scheduler.CyclicLR(opt, CFG.base_lr, CFG.max_lr, step_size_up=24, step_size_down=120, mode="triangular", cycle_momentum=False)

def score(m):
    m.eval()
    with torch.no_grad():
        acc = (m(xv).argmax(1) == yv).float().mean().item()
    m.train()
    return acc

# %% [code]
for epoch in range(CFG.epochs):
    tl = 0
    for x, y in train_dl:
        lam = np.random.beta(CFG.mixup_alpha, CFG.mixup_alpha)
        perm = torch.randperm(len(x))
        out = model(lam * x + (1 - lam) * x[perm])
        loss = lam * F.cross_entropy(out, y) + (1 - lam) * F.cross_entropy(out, y[perm])
        opt.zero_grad(); loss.backward(); opt.step(); sched.step()
        ema.update_parameters(model)
        tl += loss.item()
    backup = {k: v.clone() for k, v in model.state_dict().items()}
    raw = score(model)
    model.load_state_dict(ema.module.state_dict())
    smooth = score(model)
    model.load_state_dict(backup)
    print(f"epoch {epoch} lr {sched.get_last_lr()[0]:.4f} mixup loss {tl / len(train_dl):.4f} val {raw:.3f} ema val {smooth:.3f}")
