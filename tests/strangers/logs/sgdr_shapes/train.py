import torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.tensorboard import SummaryWriter
torch.manual_seed(1); torch.set_num_threads(1)
proto = torch.randn(20, 1, 16, 16); n = 4000; Y = torch.randint(20, (n,)); X = proto[Y] * .3 + torch.randn(n, 1, 16, 16)
net = nn.Sequential(nn.Conv2d(1, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(), nn.Linear(512, 20))
opt = torch.optim.SGD(net.parameters(), .3, momentum=.9, weight_decay=1e-3); sch = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, 200, 2, 1e-4); w = SummaryWriter('run')
for it in range(1400):
    ix = torch.randint(n, (64,)); x = X[ix] + .4 * torch.randn(64, 1, 16, 16); loss = F.cross_entropy(net(x), Y[ix]); opt.zero_grad(); loss.backward(); opt.step()
    if it % 4 == 0: w.add_scalar('train/loss', loss.item(), it); w.add_scalar('train/lr', opt.param_groups[0]['lr'], it)
    sch.step()
w.close()
