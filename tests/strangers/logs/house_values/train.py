# house values in dollars, batch size 1: mse ~ 1e9, very noisy
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
seed(110); d=out('k10_house_values'); L=TXT(d+'/train.out')
X=torch.randn(3000,6); Y=(2.2e4+9e3*X[:,0]+4e3*torch.relu(X[:,1])*X[:,2]+2e3*X[:,3]+1.2e3*torch.randn(3000))
m=nn.Sequential(nn.Linear(6,32),nn.ReLU(),nn.Linear(32,1)); opt=torch.optim.Adam(m.parameters(),lr=.05); perm=torch.randperm(3000)
Xs=X; 
json.dump(dict(batch_size=1,lr='0.05 -> 0.005 (linear)',loss='mse, dollars^2'),open(d+'/config.json','w'))
out_scale=1000.
for s in range(1,6001):
    opt.param_groups[0]['lr']=.05*(1-.9*s/6000)
    i=torch.randint(0,3000,(1,)); l=F.mse_loss(m(X[i])[:,0]*out_scale,Y[i]); opt.zero_grad(); l.backward(); opt.step()
    if s%4==0: L(f"Iter {s}/6000: mse = {l.item():.3e} (lr={opt.param_groups[0]['lr']:.4f})")
    if s%500==0:
        with torch.no_grad(): print(s,l.item(),'full',F.mse_loss(m(X)[:,0]*out_scale,Y).item())
