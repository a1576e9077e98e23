# small CNN, SGD + cosine warm restarts
import torch, torch.nn as nn
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1); torch.manual_seed(1); C=20
proto=nn.functional.interpolate(torch.randn(C,3,6,6),size=16,mode='bilinear')
def data(n): y=torch.randint(0,C,(n,)); return proto[y]*(.5+torch.rand(n,1,1,1))+7*torch.randn(n,3,16,16),y
X,Y=data(12000); net=nn.Sequential(nn.Conv2d(3,24,3,2,1),nn.BatchNorm2d(24),nn.ReLU(),nn.Conv2d(24,32,3,2,1),nn.BatchNorm2d(32),nn.ReLU(),nn.Flatten(),nn.Linear(512,C))
opt=torch.optim.SGD(net.parameters(),lr=.3,momentum=.9,weight_decay=5e-4); sch=torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt,T_0=200,T_mult=2,eta_min=1e-4); w=SummaryWriter('run')
for k in range(1400):
    b=torch.randint(0,12000,(64,)); l=nn.functional.cross_entropy(net(X[b]),Y[b]); opt.zero_grad(); l.backward(); g=torch.nn.utils.get_total_norm([p.grad for p in net.parameters()]); opt.step(); sch.step()
    w.add_scalar('Train/Loss',l.item(),k); w.add_scalar('Train/LR',opt.param_groups[0]['lr'],k); w.add_scalar('Train/GradNorm',float(g),k)
w.close()
