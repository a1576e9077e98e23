# sentiment on few reviews: clear overfitting of validation loss, early stopping (patience 5), best weights kept
import sys, os, csv, torch
from torch import nn
torch.set_num_threads(1); torch.manual_seed(43); os.makedirs(sys.argv[1], exist_ok=True)
V = 800; pol = torch.randn(V)*(torch.rand(V) < .3)
def get(n):
    x = torch.randint(0, V, (n, 25)); y = (pol[x].sum(1)+1.0*torch.randn(n) > 0).float(); return x, y
X, Y = get(900); vX, vY = get(500)
class M(nn.Module):
    def __init__(s): super().__init__(); s.e = nn.EmbeddingBag(V, 48); s.f = nn.Sequential(nn.Linear(48, 64), nn.ReLU(), nn.Linear(64, 1))
    def forward(s, x): return s.f(s.e(x))[:, 0]
m = M(); o = torch.optim.Adam(m.parameters(), 1.5e-3); bce = nn.functional.binary_cross_entropy_with_logits
w = csv.writer(open(sys.argv[1]+'/history.csv', 'w', newline='')); w.writerow(['epoch', 'acc', 'loss', 'val_acc', 'val_loss']); best, bad = 9, 0
for ep in range(60):
    L = A = 0
    for b in torch.randperm(900).split(32): z = m(X[b]); l = bce(z, Y[b]); o.zero_grad(); l.backward(); o.step(); L += l.item()*len(b)/900; A += ((z > 0) == (Y[b] > .5)).float().sum().item()/900
    with torch.no_grad(): z = m(vX); v = bce(z, vY).item()
    w.writerow([ep, f'{A:.4f}', f'{L:.4f}', f'{((z > 0) == (vY > .5)).float().mean().item():.4f}', f'{v:.4f}'])
    best, bad = (v, 0) if v < best else (best, bad+1)
    if bad >= 5: break
