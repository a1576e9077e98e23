import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

torch.manual_seed(0)
p=31; a,b=torch.meshgrid(torch.arange(p),torch.arange(p),indexing='ij'); a,b=a.flatten(),b.flatten(); y=(a+b)%p; pm=torch.randperm(p*p); tr,te=pm[:int(.6*p*p)],pm[int(.6*p*p):]
X=torch.cat([F.one_hot(a,p),F.one_hot(b,p)],1).float()
W1=nn.Linear(2*p,128,bias=False); W2=nn.Linear(128,p,bias=False); opt=torch.optim.AdamW([*W1.parameters(),*W2.parameters()],3e-3,weight_decay=1.0)
f=lambda i: W2(W1(X[i])**2); o=open(OUT+'/log.csv','w'); o.write('step,train_loss,train_acc,val_loss,val_acc\n')
for s in range(7000):
    z=f(tr); l=F.cross_entropy(z,y[tr]); opt.zero_grad(); l.backward(); opt.step()
    if s%20==0:
        with torch.no_grad(): v=f(te); o.write(f'{s},{l.item():.6f},{(z.argmax(1)==y[tr]).float().mean():.4f},{F.cross_entropy(v,y[te]).item():.6f},{(v.argmax(1)==y[te]).float().mean():.4f}\n')
print('FINAL',l.item(),(v.argmax(1)==y[te]).float().mean().item())
