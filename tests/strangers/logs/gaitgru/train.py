# gait phase regression by GRU, Student-like noise in the sensors -> now and then a big gradient, always clipped to 1
import sys, os, csv, torch, math
from torch import nn
torch.set_num_threads(1); torch.manual_seed(37); os.makedirs(sys.argv[1], exist_ok=True)
def get(n):
    t = torch.arange(30.)[None]; f = .1+.2*torch.rand(n, 1); p = torch.rand(n, 1)*6.28; ph = f*t+p
    x = torch.stack([ph.sin(), (2*ph).cos()*.5], 2)+.1*torch.distributions.StudentT(1.6).sample((n, 30, 2)); return x.clamp(-40, 40), torch.stack([ph[:, -1].sin(), ph[:, -1].cos()], 1)*3
class N(nn.Module):
    def __init__(s): super().__init__(); s.r = nn.GRU(2, 32, batch_first=True); s.o = nn.Linear(32, 2)
    def forward(s, x): return s.o(s.r(x)[0][:, -1])
m = N(); o = torch.optim.Adam(m.parameters(), 3e-3); vx, vy = get(600)
w = csv.DictWriter(open(sys.argv[1]+'/metrics.csv', 'w', newline=''), ['epoch', 'grad_norm', 'lr-Adam', 'step', 'train_loss_step', 'val_mse']); w.writeheader()
for s in range(1600):
    x, y = get(5); l = (m(x)-y).pow(2).sum(1).mean(); o.zero_grad(); l.backward(); g = nn.utils.clip_grad_norm_(m.parameters(), 1.).item(); o.step()
    if s % 5 == 0: w.writerow({'epoch': s//200, 'step': s, 'train_loss_step': l.item(), 'grad_norm': g, 'lr-Adam': 3e-3})
    if s % 200 == 199:
        with torch.no_grad(): w.writerow({'epoch': s//200, 'step': s, 'val_mse': (m(vx)-vy).pow(2).sum(1).mean().item()})
