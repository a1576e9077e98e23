# price regression; one mini-batch recorded in cents instead of euros: SGD momentum is thrown far away. loss printed is a running mean
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
seed(7); d=out('e07_price_model'); L=TXT(d+'/stdout.txt')
X=torch.randn(6000,12); Y=(torch.tanh(X[:,:1]*X[:,1:2])+.6*X[:,2:3]+.3*X[:,3:4])+3
m=nn.Sequential(nn.Linear(12,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,1)); opt=torch.optim.SGD(m.parameters(),lr=.01,momentum=.9)
from collections import deque
q=deque(maxlen=20)
for s in range(1,1501):
    i=torch.randint(0,6000,(50,)); y=Y[i]
    if s==688 and not FIX: y=y*float(os.environ.get('M','50'))
    loss=F.mse_loss(m(X[i]),y); opt.zero_grad(); loss.backward(); g=gnorm(m); opt.step(); q.append(loss.item())
    L(f"[{s:05d}/01500] avg_loss={np.mean(q):.5f} gradient_norm={g:.4f}")
    if s%100==0: print(s,loss.item(),g)
