# char LM, Lightning-like metrics.csv.  optimizer.zero_grad() ended up in on_train_epoch_start
import sys, os, csv, random, torch
import torch.nn as nn
torch.set_num_threads(1); torch.manual_seed(1); random.seed(1)
FIXED = '--fixed' in sys.argv; out = sys.argv[1]; os.makedirs(out, exist_ok=True)
W = "the a small old red house boat river runs past under over green hills and every morning someone walks slowly home with bread for children who sleep".split()
txt = ' '.join(random.choice(W) if random.random() < .7 else W[i % len(W)] for i in range(16000))
V = sorted(set(txt)); ids = torch.tensor([V.index(c) for c in txt])
L = 40; n = (len(ids)-1)//L; X = ids[:n*L].view(n, L); Y = ids[1:n*L+1].view(n, L)
X, Y, vX, vY = X[:-200], Y[:-200], X[-200:], Y[-200:]
class LM(nn.Module):
    def __init__(s): super().__init__(); s.e = nn.Embedding(len(V), 24); s.r = nn.GRU(24, 64, batch_first=True); s.o = nn.Linear(64, len(V))
    def forward(s, x): return s.o(s.r(s.e(x))[0])
m = LM(); opt = torch.optim.SGD(m.parameters(), lr=.65)
ce = lambda x, y: nn.functional.cross_entropy(m(x).flatten(0, 1), y.flatten())
w = csv.DictWriter(open(out+'/metrics.csv', 'w', newline=''), ['epoch', 'grad_2.0_norm_total', 'step', 'train_loss', 'val_loss', 'val_ppl']); w.writeheader()
step = 0
for ep in range(7):
    opt.zero_grad()
    for b in torch.randperm(len(X)).split(24):
        if FIXED: opt.zero_grad()
        l = ce(X[b], Y[b]); l.backward()
        g = torch.cat([p.grad.flatten() for p in m.parameters()]).norm().item()
        opt.step()
        if step % 5 == 4: w.writerow({'epoch': ep, 'step': step, 'train_loss': l.item(), 'grad_2.0_norm_total': round(g, 5)})
        step += 1
    with torch.no_grad(): v = ce(vX, vY)
    w.writerow({'epoch': ep, 'step': step-1, 'val_loss': v.item(), 'val_ppl': v.exp().item()})
