# daily demand, mixture density network
import torch, csv, os, math
from torch import nn
torch.set_num_threads(1); torch.manual_seed(16); os.makedirs('run',exist_ok=True)
A=torch.randn(12,4)/12**.5
def batch(n):
    x=torch.randn(n,12); h=torch.tanh(x@A*1.5); m=torch.where(torch.rand(n)<0.3,-h[:,0]-1.5,h[:,1]+1.5)
    return x,m+0.02*torch.exp(0.7*h[:,2])*torch.distributions.StudentT(3.).sample((n,))
class N(nn.Module):
    def __init__(s,k=2): super().__init__(); s.b=nn.Sequential(nn.Linear(12,128),nn.Tanh(),nn.Linear(128,128),nn.Tanh()); s.h=nn.Linear(128,3*k)
    def forward(s,x): a,m,ls=s.h(s.b(x)).chunk(3,1); return a.softmax(1),m,ls.exp()
net=N(); opt=torch.optim.Adam(net.parameters(),2e-3); f=open('run/history.csv','w',newline=''); w=csv.writer(f); w.writerow(['iter','nll','lr','grad_norm']); said=0
for s in range(4000):
    x,y=batch(128); p,m,sd=net(x); lik=(p*torch.exp(-0.5*((y[:,None]-m)/sd)**2)/(sd*math.sqrt(2*math.pi))).sum(1); l=-torch.log(lik).mean()
    if not said and not torch.isfinite(l): said=1; print('first',s,lik.min().item(),sd.min().item(),l.item())
    opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(net.parameters(),10.0); opt.step(); w.writerow([s,f'{l.item():.6f}',2e-3,f'{g.item():.6f}'])
