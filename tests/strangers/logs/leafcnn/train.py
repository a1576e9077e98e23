# leaf type classifier on small images. Keras habit: one CSV row an epoch. ExponentialLR is stepped for every batch (should be every epoch).
import sys, os, csv, torch, math
from torch import nn
torch.set_num_threads(1); torch.manual_seed(30)
out = sys.argv[1]; fixed = '--fixed' in sys.argv; os.makedirs(out, exist_ok=True)
def leaves(n):
    y = torch.randint(0, 6, (n,)); yy, xx = torch.meshgrid(torch.linspace(-1, 1, 20), torch.linspace(-1, 1, 20), indexing='ij')
    th = torch.atan2(yy, xx)[None]; r = (yy**2+xx**2).sqrt()[None]
    k = (y+2).float()[:, None, None]; edge = .6+.2*torch.cos(k*th+torch.rand(n,1,1)*6.3)*(.6+.6*torch.rand(n,1,1))
    return ((r < edge).float()*(.5+torch.rand(n,1,1))+.25*torch.randn(n, 20, 20))[:, None], y
X, Y = leaves(2000); vX, vY = leaves(600)
net = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(600, 48), nn.ReLU(), nn.Linear(48, 6))
opt = torch.optim.RMSprop(net.parameters(), lr=1.5e-3); sch = torch.optim.lr_scheduler.ExponentialLR(opt, .98)
w = csv.writer(open(os.path.join(out, 'training.csv'), 'w', newline='')); w.writerow(['epoch', 'accuracy', 'learning_rate', 'loss', 'val_accuracy', 'val_loss'])
for ep in range(25):
    L = A = 0
    for b in torch.randperm(2000).split(40):
        z = net(X[b]); l = nn.functional.cross_entropy(z, Y[b]); opt.zero_grad(); l.backward(); opt.step()
        if not fixed: sch.step()
        L += l.item()*len(b)/2000; A += (z.argmax(1) == Y[b]).float().sum().item()/2000
    with torch.no_grad(): z = net(vX)
    w.writerow([ep, A, opt.param_groups[0]['lr'], L, (z.argmax(1) == vY).float().mean().item(), nn.functional.cross_entropy(z, vY).item()])
    if fixed: sch.step()
