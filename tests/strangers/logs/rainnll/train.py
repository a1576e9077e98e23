# probabilistic rainfall for 3 gauges: mean and scale, gaussian NLL. (the third gauge always reads the same value)
import sys, torch, math
import torch.nn as nn
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1); torch.manual_seed(21)
fixed = '--fixed' in sys.argv
n = 12000
x = torch.randn(n, 10)
amt = torch.exp(.5*x[:, 3]+.3*x[:, 4]+.3*torch.randn(n))
y = torch.stack([amt, .5*x[:, 5]+.2*torch.randn(n), torch.full((n,), .4)], 1)
model = nn.Sequential(nn.Linear(10, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 6))
with torch.no_grad(): model[-1].bias[3:] = 1.; model[-1].weight[3:] *= .2    # start with a scale near 1
opt = torch.optim.Adam(model.parameters(), lr=5e-4)
tb = SummaryWriter(sys.argv[1])
def nll(o, t):
    mu, s = o[:, :3], o[:, 3:]
    sd = nn.functional.softplus(s)+.1 if fixed else s.abs()          # scale must be positive
    s = 2*torch.log(sd)
    return (torch.log(sd)+.5*((t-mu)/sd)**2).mean(), mu, s
k = 0
for epoch in range(18):
    for idx in torch.randperm(10000).split(100):
        l, mu, s = nll(model(x[idx]), y[idx]); opt.zero_grad(); l.backward()
        gn = sum(p.grad.norm()**2 for p in model.parameters())**.5
        opt.step(); k += 1
        if k % 4 == 0:
            tb.add_scalar('Loss/train_nll', l.item(), k); tb.add_scalar('Stats/mean_logvar', s.mean().item(), k); tb.add_scalar('Stats/grad', gn.item(), k)
    with torch.no_grad(): v, mu, s = nll(model(x[10000:]), y[10000:])
    tb.add_scalar('Loss/val_nll', v.item(), k); tb.add_scalar('Loss/val_mae', (mu-y[10000:]).abs().mean().item(), k)
tb.close()
