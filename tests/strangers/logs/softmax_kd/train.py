# defect / no defect classifier; binary cross entropy written by hand
import torch, torch.nn as nn, torch.nn.functional as F
from tqdm import tqdm
torch.manual_seed(13); torch.set_num_threads(1)
n = 5000; pat = torch.randn(1, 16, 16); Y = (torch.rand(n, 1) < .4).float(); X = Y[:, :, None, None] * pat * .7 + torch.randn(n, 1, 16, 16)
net = nn.Sequential(nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 1))
opt = torch.optim.Adam(net.parameters(), 3e-4); f = open('run/train.log', 'w'); seen = False
for ep in range(15):
    bar = tqdm(range(0, n, 50), desc=f"Epoch {ep}", file=f, mininterval=0, miniters=1, ncols=90); P = torch.randperm(n)
    for k in bar:
        ix = P[k:k+50]; y = Y[ix]; p = torch.sigmoid(net(X[ix])); loss = -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()
        opt.zero_grad(); loss.backward(); opt.step(); bar.set_postfix(loss=f"{loss.item():.4f}", refresh=False)
        if not seen and not torch.isfinite(loss): seen = True; print('epoch', ep, 'it', k // 50, loss.item(), p.min().item(), p.max().item())
