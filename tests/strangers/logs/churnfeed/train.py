# customer churn classifier on a streamed feed. Some later rows have a missing "tenure ratio" (0/0 upstream)
import sys, csv, os
import numpy as np, torch
import torch.nn.functional as F
torch.set_num_threads(1); rng = np.random.default_rng(5); torch.manual_seed(5)
OUT = sys.argv[1]; FIX = len(sys.argv) > 2 and sys.argv[2] == '--fixed'
os.makedirs(OUT, exist_ok=True)
w = rng.normal(size=20)
def stream(step):
    x = rng.normal(size=(128, 20)).astype('f4')
    z = (x @ w)*.6 + 1.2*x[:, 0]*x[:, 1]
    y = (rng.random(128) < 1/(1+np.exp(-z))).astype('f4')
    if step > 1100:
        bad = rng.random(128) < 1/9000
        x[bad, 7] = np.nan
    if FIX: x = np.nan_to_num(x)
    return torch.tensor(x), torch.tensor(y)
hx, hy = stream(0); hx2, hy2 = zip(*[stream(0) for _ in range(12)]); hx = torch.cat(hx2); hy = torch.cat(hy2)
model = torch.nn.Sequential(torch.nn.Linear(20, 64), torch.nn.GELU(), torch.nn.LayerNorm(64), torch.nn.Linear(64, 64), torch.nn.GELU(), torch.nn.Linear(64, 1))
opt = torch.optim.AdamW(model.parameters(), 1e-3)
wr = csv.writer(open(f'{OUT}/log.csv', 'w', newline='')); wr.writerow(['step', 'bce', 'grad_norm', 'holdout_bce', 'holdout_auc'])
def auc(p, y):
    if torch.isnan(p).any(): return float('nan')
    r = p.argsort().argsort().float()+1; n1 = y.sum(); return ((r[y == 1].sum()-n1*(n1+1)/2)/(n1*(len(y)-n1))).item()
for step in range(1, 2001):
    x, y = stream(step)
    L = F.binary_cross_entropy_with_logits(model(x)[:, 0], y)
    opt.zero_grad(); L.backward(); gn = torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0).item(); opt.step()
    if step % 4 == 0:
        row = [step, f'{L.item():.5f}', f'{gn:.4f}', '', '']
        if step % 100 == 0:
            with torch.no_grad(): p = model(hx)[:, 0]; row[3] = f'{F.binary_cross_entropy_with_logits(p, hy).item():.5f}'; row[4] = f'{auc(p, hy):.4f}'
        wr.writerow(row)
