import torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.tensorboard import SummaryWriter
torch.manual_seed(3); torch.set_num_threads(1)
proto = torch.randn(8, 1, 20, 20)
def batch(n=64):
    y = torch.randint(8, (n,)); return proto[y] * .5 + torch.randn(n, 1, 20, 20), y
net = nn.Sequential(nn.Conv2d(1, 12, 3, 2, 1), nn.ReLU(), nn.Conv2d(12, 24, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(600, 8))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
opt = torch.optim.SGD(net.parameters(), lr=0.02)
w = SummaryWriter('run')
for it in range(700):
    x, y = batch()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    gn = torch.sqrt(sum((p.grad ** 2).sum() for p in net.parameters()))
    opt.step()                       # opt.zero_grad() is never called
    w.add_scalar('Loss/train', loss.item(), it); w.add_scalar('GradNorm', gn.item(), it)
w.close()
