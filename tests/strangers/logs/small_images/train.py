# ReLU net, too high lr in Adam kills all units in the first epochs: constant output. Keras-like history
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
NZ=float(os.environ.get('NZ','130')); seed(12); d=out('e12_small_images'); L=CSV(d+'/history.csv',['epoch','accuracy','loss','val_accuracy','val_loss'])
C=torch.rand(5,100)*255; X=(C.repeat(400,1)+NZ*torch.randn(2000,100)).clamp(0,255)/255; Y=torch.arange(5).repeat(400); Xv=(C.repeat(80,1)+NZ*torch.randn(400,100)).clamp(0,255)/255; Yv=torch.arange(5).repeat(80)
m=nn.Sequential(nn.Linear(100,32),nn.ReLU(),nn.Linear(32,32),nn.ReLU(),nn.Linear(32,32),nn.ReLU(),nn.Linear(32,5)); opt=torch.optim.SGD(m.parameters(),lr=float(os.environ.get('LR','.05' if FIX else '.15')),momentum=.9)
for ep in range(80):
    tl=ta=0
    for i in torch.randperm(2000).split(50):
        o=m(X[i]); l=F.cross_entropy(o,Y[i]); opt.zero_grad(); l.backward(); opt.step(); tl+=l.item()/40; ta+=(o.argmax(1)==Y[i]).float().mean().item()/40
    with torch.no_grad(): o=m(Xv); h=m[:6](Xv)
    L(epoch=ep,accuracy=round(ta,4),loss=tl,val_accuracy=(o.argmax(1)==Yv).float().mean().item(),val_loss=F.cross_entropy(o,Yv).item())
    if ep%5==0 or ep<12: print(ep,tl,ta,'dead',(h.max(0).values<=0).float().mean().item())
