# tiny segmentation of bright blobs, Adam + linear warm-up
import sys, math, torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.tensorboard import SummaryWriter
out = sys.argv[1]; fixed = '--fixed' in sys.argv
torch.manual_seed(3); torch.set_num_threads(1)
PEAK = 0.004 if fixed else 0.3
WARM, STEPS = (300, 480)
def batch(n=12):
    yy, xx = torch.meshgrid(torch.arange(32.), torch.arange(32.), indexing='ij')
    m = torch.zeros(n, 32, 32)
    for _ in range(2):
        c = torch.rand(n, 2, 1, 1)*24+4; r = torch.rand(n, 1, 1)*4+2.5
        m = torch.maximum(m, (((yy-c[:, 0])**2+(xx-c[:, 1])**2) < r**2).float())
    img = .5*m*(0.6+.8*torch.rand(n,1,1))+.35*torch.randn(n,32,32)+.3*torch.rand(n,1,1)
    return img[:, None], m[:, None]
net = nn.Sequential(nn.Conv2d(1,16,5,padding=2), nn.ReLU(), nn.Conv2d(16,16,3,padding=1), nn.ReLU(),
   nn.Conv2d(16,16,3,padding=2,dilation=2), nn.ReLU(), nn.Conv2d(16,16,3,padding=1), nn.ReLU(), nn.Conv2d(16,1,1))
opt = torch.optim.Adam(net.parameters(), lr=PEAK)
sch = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1,(s+1)/WARM)*(1 if s<WARM else .5*(1+math.cos(math.pi*(s-WARM)/(STEPS-WARM)))))
def lossf(p, y):
    q = p.sigmoid(); dice = 1-(2*(q*y).sum((1,2,3))+1)/(q.sum((1,2,3))+y.sum((1,2,3))+1)
    return F.binary_cross_entropy_with_logits(p, y)+dice.mean(), 1-dice.mean()
w = SummaryWriter(out)
vx, vy = batch(64)
for s in range(STEPS):
    x, y = batch(); l, d = lossf(net(x), y)
    opt.zero_grad(); l.backward()
    g = torch.sqrt(sum((p.grad**2).sum() for p in net.parameters()))
    lr = opt.param_groups[0]['lr']; opt.step(); sch.step()
    if s % 5 == 0:
        w.add_scalar('seg/loss', l.item(), s); w.add_scalar('seg/dice', d.item(), s)
        w.add_scalar('opt/lr', lr, s); w.add_scalar('opt/grad_l2', g.item(), s)
    if s % 50 == 49:
        with torch.no_grad(): vl, vd = lossf(net(vx), vy)
        w.add_scalar('val_seg/loss', vl.item(), s); w.add_scalar('val_seg/dice', vd.item(), s)
w.close()
