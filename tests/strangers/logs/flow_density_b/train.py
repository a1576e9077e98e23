# affine-coupling flow on two spirals. The step uses +log_prob (sign lost), the log shows NLL
import os,sys,math,torch,torch.nn as nn
torch.set_num_threads(1);torch.manual_seed(8);FIX=os.environ.get("FIX")
def data(n):
    t=torch.rand(n)*3*math.pi+1;s=torch.randint(0,2,(n,))*2-1;return torch.stack([t.cos()*t*s,t.sin()*t*s],1)/5+.03*torch.randn(n,2)
class Cpl(nn.Module):
    def __init__(s,f):super().__init__();s.f=f;s.n=nn.Sequential(nn.Linear(1,32),nn.Tanh(),nn.Linear(32,2))
    def forward(s,x):
        a,b=(x[:,:1],x[:,1:]) if s.f else (x[:,1:],x[:,:1]);h=s.n(a);ls=h[:,:1].tanh()*2;b=b*ls.exp()+h[:,1:]
        return (torch.cat([a,b],1) if s.f else torch.cat([b,a],1)),ls[:,0]
ms=nn.ModuleList([Cpl(i%2) for i in range(6)]);opt=torch.optim.Adam(ms.parameters(),lr=5e-4);log=open(sys.argv[1]+"/log.txt","w")
for it in range(1500):
    x=data(128);ld=0
    for c in ms:x,l=c(x);ld=ld+l
    lp=-.5*(x**2).sum(1)-math.log(2*math.pi)+ld;loss=-lp.mean() if FIX else lp.mean();opt.zero_grad();loss.backward();opt.step()
    if (it+1)%25==0:print(f"[{it+1:05d}/01500] nll={-lp.mean().item():.5g} logdet={ld.mean().item():.4g}",file=log,flush=True)
print("VERIFY last",-lp.mean().item())
