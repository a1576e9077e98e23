import torch,torch.nn as nn
from torch.utils.tensorboard import SummaryWriter
torch.manual_seed(0);w=SummaryWriter('run')
# heat equation surrogate in SI units: displacements of some micrometres, loss in m^2
A=torch.randn(6,3)
def b(n):
    x=torch.rand(n,6)*2-1;return x,torch.sin(x@A)*4e-6
m=nn.Sequential(nn.Linear(6,64),nn.Tanh(),nn.Linear(64,64),nn.Tanh(),nn.Linear(64,3));o=torch.optim.Adam(m.parameters(),2e-3)
for s in range(3000):
    x,y=b(128);p=m(x)*1e-6;l=(p-y).pow(2).mean()
    o.zero_grad();(l*1e12).backward();o.step()
    if s%15==0:w.add_scalar('train/loss',l.item(),s)
w.close()
