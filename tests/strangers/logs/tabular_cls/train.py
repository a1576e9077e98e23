# MLP classifier; lr ramp lr*step/warmup without min(1, .): the lr never stops growing
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
from torch.utils.tensorboard import SummaryWriter
seed(1); d=out('e01_tabular_cls'); w=SummaryWriter(d)
t=nn.Sequential(nn.Linear(20,24),nn.Tanh(),nn.Linear(24,6)); 
for p in t.parameters(): p.data*=2.5
X=torch.randn(9000,20); Y=t(X).argmax(1); Xv,Yv=X[8000:],Y[8000:]
m=nn.Sequential(nn.Linear(20,96),nn.ReLU(),nn.Linear(96,96),nn.ReLU(),nn.Linear(96,6))
base,warm=0.05,300
opt=torch.optim.SGD(m.parameters(),lr=base,momentum=0.9)
f=(lambda s:min(1,(s+1)/warm)) if FIX else (lambda s:(s+1)/warm)
sch=torch.optim.lr_scheduler.LambdaLR(opt,f)
for s in range(4000):
    i=torch.randint(0,8000,(64,)); loss=F.cross_entropy(m(X[i]),Y[i]); opt.zero_grad(); loss.backward(); g=gnorm(m)
    if s%10==0:
        w.add_scalar('train/loss',loss.item(),s); w.add_scalar('train/lr',opt.param_groups[0]['lr'],s); w.add_scalar('train/grad_norm',g,s)
    opt.step(); sch.step()
    if s%200==0:
        with torch.no_grad(): o=m(Xv); w.add_scalar('val/loss',F.cross_entropy(o,Yv).item(),s); a=(o.argmax(1)==Yv).float().mean().item(); w.add_scalar('val/acc',a,s)
        print(s,opt.param_groups[0]['lr'],loss.item(),g,a)
w.close()
