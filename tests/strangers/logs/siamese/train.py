import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# verification: random pairs, contrastive loss with hand-written euclidean distance
from _data import shapes
torch.manual_seed(9)
x,y,_=shapes(12000,12,9,.2); x=x.flatten(1)
m=nn.Sequential(nn.Linear(144,128),nn.ReLU(),nn.Linear(128,16)); opt=torch.optim.Adam(m.parameters(),1e-3); o=open(OUT+'/log.txt','w'); A=[]
for it in range(1,1201):
    i=torch.randint(0,12000,(32,)); j=torch.randint(0,12000,(32,)); same=(y[i]==y[j]).float()
    d=((m(x[i])-m(x[j])).pow(2).sum(1)+(1e-8 if FIX else 0)).sqrt()
    l=(same*d**2+(1-same)*F.relu(1-d)**2).mean(); opt.zero_grad(); l.backward(); g=torch.stack([p.grad.norm() for p in m.parameters()]).norm(); opt.step(); A.append(l.item())
    o.write(json.dumps({'iter':it,'contrastive':round(l.item(),6),'gnorm':float(g),'acc':((d<.5)==(same>0)).float().mean().item()})+'\n')
    if (i==j).any() and it<900: print('dup',it)
print('FINAL',np.mean(A[:20]),np.mean(A[-50:]))
