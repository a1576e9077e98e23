import torch, torch.nn as nn, torch.nn.functional as F
try:
    from tqdm import tqdm
except ImportError:
    tqdm = None
torch.manual_seed(1); torch.set_num_threads(1)
X = torch.randn(12000, 40); T = nn.Sequential(nn.Linear(40, 64), nn.Tanh(), nn.Linear(64, 1))
for p in T.parameters(): p.data *= 2.5
with torch.no_grad(): Y = T(X) + .1 * torch.randn(12000, 1)
class Blk(nn.Module):
    def __init__(s, d): super().__init__(); s.a = nn.Linear(d, d); s.b = nn.Linear(d, d)
    def forward(s, x): return x + s.b(F.relu(s.a(x)))
net = nn.Sequential(nn.Linear(40, 96), Blk(96), Blk(96), Blk(96), nn.Linear(96, 1))
E_, B = 10, 100
opt = torch.optim.SGD(net.parameters(), lr=.01, momentum=.9)
sch = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.35, total_steps=E_ * 120, pct_start=.5)
log = open('run/train.log', 'w')
import time
for ep in range(E_):
    perm = torch.randperm(12000); t0 = time.time()
    for k in range(120):
        ix = perm[k * B:(k + 1) * B]
        loss = F.mse_loss(net(X[ix]), Y[ix]); opt.zero_grad(); loss.backward(); opt.step()
        lr = sch.get_last_lr()[0]; sch.step()
        m = int(10 * (k + 1) / 120); el = time.time() - t0
        log.write(f"\rEpoch {ep+1}/{E_}: {100*(k+1)//120:3d}%|{'█'*m}{' '*(10-m)}| {k+1}/120 [{int(el)//60:02d}:{int(el)%60:02d}<00:00, {(k+1)/(el+1e-3):.2f}it/s, loss={loss.item():.4g}, lr={lr:.3e}]")
    log.write("\n")
