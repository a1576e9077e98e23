# Poisson regression rate=exp(f(x)) without clamp
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
seed(10); d=out('e10_count_model'); L=CSV(d+'/train_metrics.csv',['step','epoch','nll','rate_term','count_term','max_log_rate','grad_norm','lr'])
X=torch.randn(8000,8); lam=torch.exp(1.2+.7*X[:,0]+.5*X[:,1]*X[:,2]); Y=torch.poisson(lam)
m=nn.Sequential(nn.Linear(8,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,1)); lr=float(os.environ.get('LR','0.006')); opt=torch.optim.SGD(m.parameters(),lr=lr,momentum=.9)
s=0
for ep in range(12):
    for i in torch.randperm(8000).split(40):
        f=m(X[i])[:,0]
        if FIX: r=F.softplus(f)+1e-4; lr_=r.log()
        else: r=f.exp(); lr_=f
        a=r.mean(); b=(Y[i]*lr_).mean(); loss=a-b
        opt.zero_grad(); loss.backward(); g=gnorm(m); opt.step()
        L(step=s,epoch=ep,nll=loss.item(),rate_term=a.item(),count_term=b.item(),max_log_rate=lr_.max().item(),grad_norm=g,lr=lr)
        if s%100==0: print(s,loss.item(),g,lr_.max().item())
        s+=1
    if s>=1200: break
