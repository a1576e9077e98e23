# coupling flow on 6-d tabular density; the loss (nats) goes below zero
import sys, torch, math
from torch import nn
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1); torch.manual_seed(23)
def get(n):
    t = torch.rand(n)*math.pi; k = torch.randint(0, 2, (n,)).float(); a = torch.stack([t.cos()*(1-2*k)+k, t.sin()*(1-2*k)+.5*k], 1)+.04*torch.randn(n, 2)
    b = torch.stack([a[:, 0]*.3+.05*torch.randn(n), a[:, 1]**2*.3+.03*torch.randn(n), .1*torch.randn(n), .2*a[:, 0]*a[:, 1]+.02*torch.randn(n)], 1); return torch.cat([a, b], 1)
class Cpl(nn.Module):
    def __init__(s, flip): super().__init__(); s.f = flip; s.n = nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 6)); nn.init.zeros_(s.n[-1].weight); nn.init.zeros_(s.n[-1].bias)
    def forward(s, x):
        p = [0, 2, 4], [1, 3, 5]; i, j = p if s.f else p[::-1]; a, t = s.n(x[:, i]).chunk(2, 1); a = 2*torch.tanh(a/2); y = x.clone(); y[:, j] = x[:, j]*a.exp()+t; return y, a.sum(1)
fl = nn.ModuleList([Cpl(i % 2) for i in range(6)])
def nll(x):
    ld = 0
    for c in fl: x, d = c(x); ld = ld+d
    return (.5*(x**2).sum(1)+3*math.log(2*math.pi)-ld).mean()
opt = torch.optim.Adam(fl.parameters(), 1e-3); sc = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 2000); w = SummaryWriter(sys.argv[1]); v = get(2000)
for s in range(2000):
    l = nll(get(128)); opt.zero_grad(); l.backward(); g = nn.utils.clip_grad_norm_(fl.parameters(), 20.); opt.step(); sc.step()
    if s % 10 == 0: w.add_scalar('nll', l.item(), s); w.add_scalar('grad', g.item(), s)
    if s % 200 == 0:
        with torch.no_grad(): w.add_scalar('nll_test', nll(v).item(), s)
w.close()
