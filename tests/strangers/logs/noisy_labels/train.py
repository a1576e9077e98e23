import torch, torch.nn as nn, torch.nn.functional as F
from tqdm import tqdm
torch.manual_seed(3); torch.set_num_threads(1)
n = 6000; mu = torch.randn(10, 30) * .8; Y = torch.randint(10, (n,)); X = mu[Y] + torch.randn(n, 30); bad = torch.rand(n) < .45; Yn = torch.where(bad, torch.randint(10, (n,)), Y)
Xv = mu.repeat(50, 1) + torch.randn(500, 30); Yv = torch.arange(10).repeat(50)
net = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Dropout(.3), nn.Linear(64, 10)); opt = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=.05); f = open('run/train.log', 'w')
for ep in range(8):
    net.train(); P = torch.randperm(n); bar = tqdm(range(0, n - 49, 50), desc=f"Epoch {ep+1}/8", file=f, mininterval=0, miniters=1, ncols=100)
    for k in bar:
        ix = P[k:k+50]; lo = net(X[ix]); l = F.cross_entropy(lo, Yn[ix], label_smoothing=.1); opt.zero_grad(); l.backward(); opt.step(); bar.set_postfix(loss=f"{l.item():.3f}", acc=f"{(lo.argmax(1)==Yn[ix]).float().mean().item():.2f}", refresh=False)
    net.eval()
    with torch.no_grad(): lo = net(Xv); f.write(f"epoch {ep+1}: val_loss {F.cross_entropy(lo, Yv).item():.4f} val_acc {(lo.argmax(1)==Yv).float().mean().item():.4f}\n")
