import torch,torch.nn as nn,os
from torch.utils.tensorboard import SummaryWriter
import sys
torch.manual_seed(int(sys.argv[1]) if len(sys.argv)>1 else 0);w=SummaryWriter('run')
def data(n):
    t=torch.rand(n)*9+2;return torch.stack([t*t.cos(),t*t.sin()],1)/8+.02*torch.randn(n,2)
m=nn.Sequential(nn.Linear(4,96),nn.SiLU(),nn.Linear(96,96),nn.SiLU(),nn.Linear(96,2))
import copy;ema=copy.deepcopy(m)
opt=torch.optim.SGD(m.parameters(),8e-4,momentum=.9)
run=0;acc=[];gac=[]
for s in range(1,9001):
    x=data(64);sig=(torch.randn(64,1)*1.2-0.8).exp()          # lognormal noise levels
    n=torch.randn_like(x);y=x+sig*n;c=1/(1+sig**2).sqrt()
    d=m(torch.cat([y*c,sig.log()/4,c],1));l=(((d-x)**2).mean(1,keepdim=True)/sig**2).mean()*.5
    opt.zero_grad();l.backward();gn=sum((p.grad**2).sum() for p in m.parameters()).sqrt();opt.step()
    acc.append(l.item());gac.append(gn.item())
    with torch.no_grad():
        for a,b in zip(ema.parameters(),m.parameters()):a.lerp_(b,.005)
    if s%20==0:
        w.add_scalar('loss',sum(acc)/20,s);w.add_scalar('grad_norm',max(gac),s)
        if acc[-1]!=acc[-1]: run+=1
        acc=[];gac=[]
    if run>20: break
w.close();print(s)
