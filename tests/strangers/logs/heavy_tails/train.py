# heavy-tailed target noise (Student t, 1.3 d.o.f.), clipped gradients; gnorm is the norm before clipping
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
seed(106); d=out('k06_heavy_tails'); L=TXT(d+'/run.log'); L("# clip_grad_norm=1.0 batch=16 optimizer=sgd momentum=0.9")
X=torch.randn(20000,10); f=torch.sin(X[:,:1])*2+X[:,1:2]*X[:,2:3]; Y=f+.3*torch.distributions.StudentT(1.3).sample((20000,1))
m=nn.Sequential(nn.Linear(10,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,1)); opt=torch.optim.SGD(m.parameters(),lr=5e-3,momentum=.9)
for s in range(1,2401):
    i=torch.randint(0,20000,(16,)); l=F.mse_loss(m(X[i]),Y[i]); opt.zero_grad(); l.backward(); g=torch.nn.utils.clip_grad_norm_(m.parameters(),1.).item()
    for p in opt.param_groups: p['lr']=5e-3*(1-s/2500)
    opt.step()
    if s%3==0: L(f"it {s:>5d}  loss {l.item():>10.4f}  gnorm {g:>9.3f}  lr {opt.param_groups[0]['lr']:.2e}")
    if s%200==0: print(s,l.item(),g,'true mse',F.mse_loss(m(X[:4000]),f[:4000]).item(),'median abs',(m(X[:4000])-Y[:4000]).abs().median().item())
