import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# watch-time prediction (seconds, heavy tails) by factorisation, raw MSE, warm-up, clipping
torch.manual_seed(0)
U,I=300,200; pu,qi=torch.randn(U,4),torch.randn(I,4); t=torch.distributions.StudentT(2.2)
n=40000; u=torch.randint(0,U,(n,)); i=torch.randint(0,I,(n,)); y=900+250*(pu[u]*qi[i]).sum(1)+120*t.sample((n,))
m=nn.ModuleDict(dict(u=nn.Embedding(U,8),i=nn.Embedding(I,8),bu=nn.Embedding(U,1),bi=nn.Embedding(I,1))); g0=nn.Parameter(torch.zeros(1)); [nn.init.normal_(m[k].weight,0,.1) for k in m]; P=[*m.parameters(),g0]; opt=torch.optim.Adam(P,lr=.5); o=open(OUT+'/stdout.txt','w'); k=0; A=[]
for ep in range(5):
    for b in torch.randperm(n).split(64):
        lr=.5*min(1,(k+1)/300); lr*=.5*(1+math.cos(math.pi*k/3125)); [g.update(lr=lr) for g in opt.param_groups]
        l=F.mse_loss((m.u(u[b])*m.i(i[b])).sum(1)*10+m.bu(u[b])[:,0]+m.bi(i[b])[:,0]+g0*30,y[b]); opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(P,1e5); opt.step(); k+=1; A.append(l.item()); print(f'step={k} loss={l.item():.2f} lr={lr:.5f} gradnorm={float(g):.2f}',file=o)
print('FINAL',np.median(A[:50]),np.median(A[-200:]),np.max(A[-500:]),'var',y.var().item(),k)
