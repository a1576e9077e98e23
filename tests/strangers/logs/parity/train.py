# sparse parity: flat at ln 2 for long, then a sudden fall; only the loss logged
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
seed(int(os.environ.get('S','107'))); d=out('k07_parity'); L=CSV(d+'/loss.csv',['step','loss'])
m=nn.Sequential(nn.Linear(24,128),nn.ReLU(),nn.Linear(128,1)); opt=torch.optim.SGD(m.parameters(),lr=float(os.environ.get('LR','.15')))
for s in range(6000):
    x=torch.randint(0,2,(64,24)).float()*2-1; y=(x[:,3]*x[:,11]*x[:,20]>0).float(); l=F.binary_cross_entropy_with_logits(m(x)[:,0],y); opt.zero_grad(); l.backward(); opt.step()
    if s%2==0: L(step=s,loss=round(l.item(),6))
    if s%300==0: print(s,l.item())
