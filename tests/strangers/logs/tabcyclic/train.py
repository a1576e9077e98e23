"""house-price-like tabular regression, CyclicLR"""
import argparse, json, os, torch
from torch import nn
ap = argparse.ArgumentParser(); ap.add_argument('outdir'); ap.add_argument('--fixed', action='store_true'); a = ap.parse_args()
torch.set_num_threads(1); torch.manual_seed(11)
N = 8000
X = torch.randn(N, 12); X[:, 8:] = (X[:, 8:] > .3).float()
y = (X[:,0]*X[:,1] + torch.sin(2*X[:,2]) + .7*X[:,3].abs() - X[:,4]*X[:,8] + .5*X[:,5]*X[:,9])
y = (y-y.mean())/y.std() + .15*torch.randn(N)
Xt, yt, Xv, yv = X[:7000], y[:7000], X[7000:], y[7000:]
m = nn.Sequential(nn.Linear(12,96), nn.ReLU(), nn.Linear(96,96), nn.ReLU(), nn.Linear(96,96), nn.ReLU(), nn.Linear(96,1))
o = torch.optim.SGD(m.parameters(), lr=.004, momentum=.9)
# triangular cycle, one up-ramp of 600 iterations
sc = torch.optim.lr_scheduler.CyclicLR(o, base_lr=.004, max_lr=.06 if a.fixed else .3, step_size_up=600, cycle_momentum=False)
os.makedirs(a.outdir, exist_ok=True)
f = open(os.path.join(a.outdir, 'metrics.jsonl'), 'w')
run = []
for it in range(1, 3001):
    ix = torch.randint(0, 7000, (64,))
    loss = nn.functional.mse_loss(m(Xt[ix]).squeeze(1), yt[ix])
    o.zero_grad(); loss.backward(); o.step()
    run.append(loss.item())
    rec = dict(iteration=it, lr=o.param_groups[0]['lr'])
    sc.step()
    if it % 10 == 0:
        rec['mse'] = sum(run)/len(run); run = []
        if it % 250 == 0:
            with torch.no_grad():
                p = m(Xv).squeeze(1); rec['valid_rmse'] = ((p-yv)**2).mean().sqrt().item(); rec['valid_r2'] = (1-((p-yv)**2).mean()/yv.var()).item()
        f.write(json.dumps(rec)+'\n')
f.close()
