# small classifier, SGD(maximize=True) left over from another project: ascends the loss
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
seed(4); d=out('e04_glyphs'); L=TXT(d+'/train.log')
C=torch.randn(10,64); X=C.repeat(600,1)+1.1*torch.randn(6000,64); Y=torch.arange(10).repeat(600)
m=nn.Sequential(nn.Linear(64,64),nn.ReLU(),nn.Linear(64,10)); opt=torch.optim.SGD(m.parameters(),lr=3e-3,maximize=not FIX)
L("[INFO] device=cpu params=4810 batch=100 optimizer=SGD lr=0.003"); s=0
for ep in range(1,9):
    for i in torch.randperm(6000).split(100):
        o=m(X[i]); loss=F.cross_entropy(o,Y[i]); opt.zero_grad(); loss.backward(); g=gnorm(m); opt.step(); s+=1
        acc=(o.argmax(1)==Y[i]).float().mean().item()
        if s%5==0: L(f"epoch {ep} | step {s:4d} | loss {loss.item():.4g} | acc {acc:.3f} | lr 3.0e-03 | gnorm {g:.3g}")
        if s%60==0: print(s,loss.item(),acc,g)
L("[INFO] done")
