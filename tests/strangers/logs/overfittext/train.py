import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# classify which half of the file list a 24-char snippet came from: tiny data, many epochs -> validation loss rises
from _data import text
torch.manual_seed(0)
ids,V=text(); half=len(ids)//4
def mk(n): y=torch.randint(0,4,(n,)); s=y*half+torch.randint(0,half-30,(n,)); return torch.stack([ids[i:i+24] for i in s]),y
x,y=mk(1500); xv,yv=mk(600); m=nn.ModuleDict(dict(e=nn.Embedding(V,32),c=nn.Conv1d(32,96,5),f=nn.Linear(96,4))); opt=torch.optim.Adam(m.parameters(),2e-3)
f=lambda x: m.f(torch.relu(m.c(m.e(x).transpose(1,2))).max(2)[0])
o=open(OUT+'/training.log','w'); o.write('epoch,accuracy,loss,val_accuracy,val_loss\n')
for ep in range(60):
    A=[];C=[]
    for b in torch.randperm(1500).split(50):
        z=f(x[b]); l=F.cross_entropy(z,y[b]); opt.zero_grad(); l.backward(); opt.step(); A.append(l.item()); C.append((z.argmax(1)==y[b]).float().mean().item())
    with torch.no_grad(): z=f(xv)
    o.write(f'{ep},{np.mean(C)},{np.mean(A)},{(z.argmax(1)==yv).float().mean().item()},{F.cross_entropy(z,yv).item()}\n')
print('FINAL',np.mean(A),F.cross_entropy(z,yv).item(),(z.argmax(1)==yv).float().mean().item())
