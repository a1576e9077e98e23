# SGDR on a noisy spiral classification; bumps after each restart
import json, sys, os, torch
from torch import nn
torch.set_num_threads(1); torch.manual_seed(17); os.makedirs(sys.argv[1], exist_ok=True)
def spiral(n):
    y = torch.randint(0, 3, (n,)); r = torch.rand(n)*3+.2; t = 2.2*r+y*2.0944; x = torch.stack([r*t.cos(), r*t.sin()], 1)+.1*torch.randn(n, 2); return x, y
X, Y = spiral(4000); vX, vY = spiral(1500)
m = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))
o = torch.optim.SGD(m.parameters(), lr=.15, momentum=.9, nesterov=True); sc = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 500, 2, eta_min=1e-4)
with open(sys.argv[1]+'/log.jsonl', 'w') as f:
    for s in range(3500):
        i = torch.randint(0, 4000, (64,)); l = nn.functional.cross_entropy(m(X[i]), Y[i]); o.zero_grad(); l.backward(); o.step(); lr = sc.get_last_lr()[0]; sc.step()
        if s % 10 == 0: print(json.dumps(dict(global_step=s, split='train', loss=round(l.item(), 5), lr=lr)), file=f)
        if s % 100 == 99:
            with torch.no_grad(): z = m(vX)
            print(json.dumps(dict(global_step=s, split='val', loss=nn.functional.cross_entropy(z, vY).item(), acc=(z.argmax(1) == vY).float().mean().item())), file=f)
