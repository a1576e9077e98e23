# StepLR(step_size=3, gamma=.3) written for epochs, but sch.step() sits in the batch loop
import torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.tensorboard import SummaryWriter
torch.manual_seed(24); torch.set_num_threads(1)
proto = torch.randn(20, 1, 16, 16); n = 4000; Y = torch.randint(20, (n,)); X = proto[Y] * .5 + torch.randn(n, 1, 16, 16)
net = nn.Sequential(nn.Conv2d(1, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(), nn.Linear(512, 20))
opt = torch.optim.Adam(net.parameters(), 1e-3); sch = torch.optim.lr_scheduler.StepLR(opt, 3, .3); w = SummaryWriter('run'); gs = 0
for ep in range(10):
    P = torch.randperm(n); c = 0
    for i in range(0, n, 64):
        ix = P[i:i+64]; lo = net(X[ix]); loss = F.cross_entropy(lo, Y[ix]); opt.zero_grad(); loss.backward(); opt.step(); sch.step(); c += (lo.argmax(1) == Y[ix]).sum().item()
        w.add_scalar('Loss/train', loss.item(), gs); w.add_scalar('LR', opt.param_groups[0]['lr'], gs); gs += 1
    w.add_scalar('Accuracy/train', c / n, gs)
w.close()
