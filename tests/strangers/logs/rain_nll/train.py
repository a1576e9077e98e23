# hourly rainfall, heteroscedastic gaussian likelihood
import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1); torch.manual_seed(4)
A=torch.randn(20,3)/20**0.5
def batch(n):
    x=torch.randn(n,20); h=x@A; wet=(h[:,0]+0.3*torch.tanh(h[:,1])+0.02*torch.randn(n))>0.3
    return x, wet*torch.exp(0.5*h[:,2]+0.4*torch.randn(n))*2
class N(nn.Module):
    def __init__(s): super().__init__(); s.b=nn.Sequential(nn.Linear(20,128),nn.ReLU(),nn.Linear(128,128),nn.ReLU()); s.mu=nn.Linear(128,1); s.ls=nn.Linear(128,1)
    def forward(s,x): h=s.b(x); return torch.relu(s.mu(h))[:,0], s.ls(h)[:,0]
net=N(); opt=torch.optim.Adam(net.parameters(),2e-4); w=SummaryWriter('run'); said=0
for s in range(4000):
    x,y=batch(256); mu,ls=net(x); l=(ls+0.5*((y-mu)/ls.exp())**2).mean()
    if not said and not torch.isfinite(l): said=1; print('first',s,ls.min().item(),ls.exp().min().item())
    opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(net.parameters(),1.0); opt.step()
    if s%5==0: w.add_scalar('nll',l.item(),s); w.add_scalar('gnorm',g.item(),s)
    if s%200==0: print(s,l.item(),ls.min().item())
w.close()
