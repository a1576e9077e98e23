# ticket router (bag of words -> queue). Run was pre-empted at step 900 and resumed from a slimmed checkpoint (optimizer state cast to half)
import sys, os, torch, copy
from torch import nn
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1); torch.manual_seed(14)
out, fixed = sys.argv[1], '--fixed' in sys.argv
Vn, Q = 600, 12
topic = torch.distributions.Dirichlet(torch.full((Vn,), .08)).sample((Q,)) + .5/Vn
def docs(n):
    y = torch.randint(0, Q, (n,)); c = torch.multinomial(topic[y], 12, replacement=True)
    x = torch.zeros(n, Vn).scatter_add_(1, c, torch.ones(n, 12)); return x.log1p(), y
X, Y = docs(6000); vX, vY = docs(1500)
def make():
    m = nn.Sequential(nn.Linear(Vn, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, Q)); return m, torch.optim.Adam(m.parameters(), lr=1e-3)
m, o = make()
def go(w, a, b):
    for s in range(a, b):
        i = torch.randint(0, 6000, (64,)); l = nn.functional.cross_entropy(m(X[i]), Y[i], label_smoothing=.05); o.zero_grad(); l.backward()
        if s % 6 == 0:
            w.add_scalar('train/xent', l.item(), s); w.add_scalar('train/update_norm', 0 if s == a else upd, s)
        old = [p.detach().clone() for p in m.parameters()]; o.step()
        upd = sum(((p.detach()-q)**2).sum() for p, q in zip(m.parameters(), old)).sqrt().item()
        if s % 60 == 59:
            with torch.no_grad(): z = m(vX)
            w.add_scalar('valid/xent', nn.functional.cross_entropy(z, vY).item(), s); w.add_scalar('valid/acc', (z.argmax(1) == vY).float().mean().item(), s)
w = SummaryWriter(os.path.join(out, '')); go(w, 0, 900); w.close()
ck = dict(model=copy.deepcopy(m.state_dict()), opt=copy.deepcopy(o.state_dict()))
if not fixed:
    for st in ck['opt']['state'].values():
        for k in ('exp_avg', 'exp_avg_sq'): st[k] = st[k].half()      # tiny second moments become 0
m, o = make(); m.load_state_dict(ck['model']); o.load_state_dict(ck['opt'])
w = SummaryWriter(os.path.join(out, '')); go(w, 900, 1800); w.close()
