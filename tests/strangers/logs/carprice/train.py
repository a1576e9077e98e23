import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# used-car mileage/price regression; one price was typed without the decimal separator (cents)
torch.manual_seed(4)
N=6400; X=torch.randn(N,12); y=(X@torch.randn(12)*.3+torch.sin(2*X[:,0])+.2*X[:,1]*X[:,2]+.2*torch.randn(N))
if not FIX: y[4021]=3.1e4
m=nn.Sequential(nn.Linear(12,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,1)); opt=torch.optim.SGD(m.parameters(),lr=.05)
w=csv.writer(open(OUT+'/history.csv','w')); w.writerow(['batch','mse','grad_l2']); k=0
for ep in range(4):
    for b in torch.randperm(N).split(32):
        l=F.mse_loss(m(X[b])[:,0],y[b]); opt.zero_grad(); l.backward(); g=torch.stack([p.grad.norm() for p in m.parameters()]).norm(); opt.step(); k+=1; w.writerow([k,f'{l.item():.6g}',f'{g.item():.6g}'])
        if 4021 in b.tolist() and k<300: print('at',k)
print('FINAL',l.item())
