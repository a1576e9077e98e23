# half-precision GPT-ish toy with dynamic loss scale beginning at 2**24: the first steps are skipped, later now and then one more
import sys, json, os, copy, torch
from torch import nn
import torch.nn.functional as F
torch.set_num_threads(1); torch.manual_seed(31); os.makedirs(sys.argv[1], exist_ok=True)
K, D = 40, 64; P = torch.distributions.Dirichlet(torch.full((K,), .15)).sample((K,))
def seq(n, L=16):
    t = [torch.randint(0, K, (n,))]
    for _ in range(L): t.append(torch.multinomial(P[t[-1]], 1)[:, 0])
    return torch.stack(t, 1)
class M(nn.Module):
    def __init__(s): super().__init__(); s.e = nn.Embedding(K, D); s.f = nn.Sequential(nn.Linear(D, 2*D), nn.GELU(), nn.Linear(2*D, D)); s.o = nn.Linear(D, K)
    def forward(s, t): x = s.e(t); return s.o(x+s.f(x))
m = M(); h = copy.deepcopy(m).half(); opt = torch.optim.AdamW(m.parameters(), 2e-3); sc, ok, sk = 2.**24, 0, 0
hist = []; tot = 0; val = seq(100)
for s in range(1, 1501):
    b = seq(16); l = F.cross_entropy(h(b[:, :-1]).float().flatten(0, 1), b[:, 1:].flatten()); h.zero_grad(); (l*sc).backward(); tot += l.item()
    if all(torch.isfinite(p.grad).all() for p in h.parameters()):
        for a, q in zip(m.parameters(), h.parameters()): a.grad = q.grad.float()/sc
        gn = nn.utils.clip_grad_norm_(m.parameters(), 1.).item(); opt.step(); ok += 1
        with torch.no_grad(): [q.copy_(a) for a, q in zip(m.parameters(), h.parameters())]
        if ok >= 100: sc *= 2; ok = 0
    else: sc /= 2; ok = 0; sk += 1; gn = float('inf')
    if s <= 30 or s % 10 == 0:
        n = 1 if s <= 30 else 10; hist.append(dict(step=s, loss=round(tot/n, 4), grad_norm=gn, loss_scale=sc, skipped_steps=sk, learning_rate=2e-3)); tot = 0
    if s % 250 == 0:
        with torch.no_grad(): hist.append(dict(step=s, eval_loss=F.cross_entropy(h(val[:, :-1]).float().flatten(0, 1), val[:, 1:].flatten()).item()))
json.dump(dict(global_step=1500, max_steps=1500, log_history=hist), open(sys.argv[1]+'/trainer_state.json', 'w'), indent=1)
