"""Float16 autocast with GradScaler growth probing, scale backs off and steps are skipped now and
then.

[truth]
family = "healthy"
causes = []
"""
import time
import torch
from torch import nn
torch.set_num_threads(1)
torch.manual_seed(100)

# electricity demand, day-ahead quantile regression, half precision training with loss scaling
QUANT = torch.tensor([0.1, 0.5, 0.9])

def make(n):
    t = torch.rand(n) * 365
    temp = 12 - 10 * torch.cos(2 * torch.pi * t / 365) + 3 * torch.randn(n)
    wk = (t.long() % 7 >= 5).float()
    prev = torch.randn(n)
    load = 1.5 - 0.8 * wk + 0.02 * (temp - 18).abs() ** 1.3 + 0.5 * prev + 0.15 * torch.randn(n) * (1 + wk)
    x = torch.stack([torch.sin(2 * torch.pi * t / 365), torch.cos(2 * torch.pi * t / 365), (temp - 12) / 8, wk, prev], 1)
    return x, load

X, Y = make(10000)
Xv, Yv = make(2000)
net = nn.Sequential(nn.Linear(5, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 3))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 15, growth_interval=40)

def pinball(q, y):
    d = y[:, None] - q
    return torch.maximum(QUANT * d, (QUANT - 1) * d).mean()

start = time.time()
for epoch in range(6):
    run, backoffs = 0.0, 0
    for i in torch.randperm(len(X)).split(128):
        opt.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.float16):
            q = net(X[i])
        loss = pinball(q.float(), Y[i])
        scaler.scale(loss).backward()
        scaler.unscale_(opt)
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        before = scaler.get_scale()
        scaler.step(opt)
        scaler.update()
        backoffs += scaler.get_scale() < before
        run += loss.item()
    with torch.no_grad():
        v = net(Xv)
        cover = ((Yv > v[:, 0]) & (Yv < v[:, 2])).float().mean()
    print(f"epoch {epoch} pinball {run / 79:.4f} val {pinball(v, Yv):.4f} coverage {cover:.3f} scale 2^{torch.tensor(scaler.get_scale()).log2():.0f} skipped {backoffs} ({time.time() - start:.1f}s)")
