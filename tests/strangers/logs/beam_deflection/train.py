# regression of small displacements (metres), zero_grad() forgotten
import os,sys,json,csv,math,time,random
os.environ.setdefault("OMP_NUM_THREADS","1")
import numpy as np, torch
import torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
FIX='--fix' in sys.argv
def out(name):
    d="run"
    if os.path.isdir(d):
        for r,_,fs in os.walk(d):
            for f in fs: os.remove(os.path.join(r,f))
    os.makedirs(d,exist_ok=True); return d
def gnorm(m):
    ps=m.parameters() if hasattr(m,'parameters') else m
    gs=[p.grad.norm() for p in ps if p.grad is not None]
    return torch.stack(gs).norm().item()
def seed(s): torch.manual_seed(s); np.random.seed(s); random.seed(s)
class CSV:
    def __init__(s,path,cols): s.f=open(path,'w',newline=''); s.w=csv.DictWriter(s.f,cols); s.w.writeheader()
    def __call__(s,**k): s.w.writerow(k); s.f.flush()
class TXT:
    def __init__(s,path): s.f=open(path,'w')
    def __call__(s,l): s.f.write(l+'\n')
seed(2); d=out('e02_beam_deflection'); L=CSV(d+'/log.csv',['iter','mse','grad_norm','lr'])
X=torch.rand(4000,6)*2-1; Y=2e-3*(torch.sin(2*X[:,:1]+X[:,1:2])*X[:,2:3]+.5*X[:,3:4])
m=nn.Sequential(nn.Linear(6,64),nn.Tanh(),nn.Linear(64,1)); nn.init.normal_(m[2].weight,std=1e-3); nn.init.zeros_(m[2].bias)
lr=0.1
opt=torch.optim.SGD(m.parameters(),lr=lr)
for s in range(1500):
    i=torch.randint(0,4000,(32,)); loss=F.mse_loss(m(X[i]),Y[i])
    if FIX: opt.zero_grad()
    loss.backward(); g=gnorm(m); opt.step()
    L(iter=s,mse=f"{loss.item():.6e}",grad_norm=f"{g:.5e}",lr=lr)
    if s%100==0: print(s,loss.item(),g)
json.dump(dict(model='mlp 6-64-1',optimizer='SGD',lr=lr,batch_size=32,units='m'),open(d+'/config.json','w'),indent=1)
