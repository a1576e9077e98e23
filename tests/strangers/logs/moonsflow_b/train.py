import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# RealNVP on two moons
torch.manual_seed(11)
def moons(n):
    t=torch.rand(n)*math.pi; k=torch.randint(0,2,(n,)); a=torch.stack([torch.cos(t),torch.sin(t)],1); b=torch.stack([1-torch.cos(t),.5-torch.sin(t)],1)
    return torch.where(k[:,None]==0,a,b)+.05*torch.randn(n,2)
nets=nn.ModuleList([nn.Sequential(nn.Linear(1,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,2)) for _ in range(6)])
def nll(x):
    ld=0
    for i,f in enumerate(nets):
        a,b=x[:,i%2:i%2+1],x[:,1-i%2:2-i%2]; s,t=f(a).chunk(2,1); s=torch.tanh(s)*2; b=b*s.exp()+t; ld=ld+s[:,0]
        x=torch.cat([a,b],1) if i%2==0 else torch.cat([b,a],1)
    return (.5*(x**2).sum(1)+math.log(2*math.pi)-ld).mean()
opt=torch.optim.Adam(nets.parameters(),lr=5e-4,maximize=not FIX)   # "we maximise the likelihood"
o=open(OUT+'/loss.csv','w'); o.write('iter,nll\n')
for i in range(1000):
    l=nll(moons(128)); opt.zero_grad(); l.backward(); opt.step(); o.write(f'{i},{l.item():.6g}\n')
print('FINAL',l.item())
