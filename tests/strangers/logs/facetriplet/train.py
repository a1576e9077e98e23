"""Embedding of identities with a batch-wise triplet loss; our own Trainer clone (HF-like state file)."""
import json, os, sys, math, torch
from torch import nn
torch.set_num_threads(1); torch.manual_seed(8)
OUT, FIXED = sys.argv[1], '--fixed' in sys.argv
os.makedirs(OUT, exist_ok=True)
C = 60
proto = torch.randn(C, 32)
data = (proto[:, None]+1.1*torch.randn(C, 40, 32))
# scraped twice: a few exact duplicates
data[17, 3] = data[17, 30]; data[41, 9] = data[41, 22]
enc = nn.Sequential(nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 16))
MAX, LOG, EVAL = 2400, 20, 300
opt = torch.optim.AdamW(enc.parameters(), 5e-4)
sch = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: (MAX-s)/MAX)
def dist(a, b):
    d = ((a-b)**2).sum(1)
    return torch.sqrt(d+1e-8) if FIXED else torch.sqrt(d)
hist, tr, last = [], 0., 0
ev = torch.randn(C, 10, 32)*1.1+proto[:, None]
def evaluate():
    with torch.no_grad():
        e = enc(ev); q, gal = e[:, :5].reshape(-1, 16), e[:, 5:].reshape(-1, 16)
        d = torch.cdist(q, gal); r = (d.argmin(1)//5 == torch.arange(C*5)//5).float().mean().item()
        l = torch.relu(dist(e[:, 0], e[:, 1])-dist(e[:, 0], e.roll(1, 0)[:, 0])+1).mean().item()
    return l, r
for s in range(1, MAX+1):
    c = torch.randint(0, C, (32,)); i = torch.randint(0, 40, (32,)); j = (i+torch.randint(1, 40, (32,))) % 40
    n = (c+torch.randint(1, C, (32,))) % C
    A, P, N = enc(data[c, i]), enc(data[c, j]), enc(data[n, torch.randint(0, 40, (32,))])
    loss = torch.relu(dist(A, P)-dist(A, N)+1.).mean()
    opt.zero_grad(); loss.backward()
    gn = nn.utils.clip_grad_norm_(enc.parameters(), 1.0).item()
    lr = opt.param_groups[0]['lr']; opt.step(); sch.step()
    v = loss.item()
    tr += tr/(1+s-last) if not math.isfinite(v) else v      # logging_nan_inf_filter
    if s % LOG == 0:
        hist.append(dict(epoch=round(s/75, 4), grad_norm=gn, learning_rate=lr, loss=round(tr/(s-last), 4), step=s)); tr = 0.; last = s
    if s % EVAL == 0:
        l, r = evaluate(); hist.append(dict(epoch=round(s/75, 4), eval_loss=l, eval_recall_at_1=r, eval_runtime=.01, step=s))
json.dump(dict(best_metric=None, epoch=MAX/75, global_step=MAX, is_local_process_zero=True, log_history=hist, logging_steps=LOG, max_steps=MAX, num_train_epochs=32), open(OUT+'/trainer_state.json', 'w'), indent=2)
