import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# electric load forecasting, GRU, consecutive windows; the meter was down for a while
torch.manual_seed(0)
n=6000; t=torch.arange(n).float(); s=torch.sin(t*2*math.pi/24)+.5*torch.sin(t*2*math.pi/168)+.1*torch.randn(n)
if not FIX: s[4310:4313]=float('nan')
cov=torch.stack([torch.sin(t*2*math.pi/24),torch.cos(t*2*math.pi/24),torch.sin(t*2*math.pi/168),torch.cos(t*2*math.pi/168)],1)
net=nn.GRU(4,32,batch_first=True); hd=nn.Linear(32,1); P=[*net.parameters(),*hd.parameters()]; opt=torch.optim.Adam(P,2e-3)
o=open(OUT+'/train.log','w'); k=0; ema=None
for ep in range(6):
    for a in range(0,n-24*8,24*4):
        idx=torch.stack([torch.arange(a+24*j,a+24*j+24) for j in range(8)]); x,y=cov[idx],s[idx]
        l=F.mse_loss(hd(net(x)[0])[...,0],y); opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(P,1.); opt.step(); k+=1
        print(f'[Epoch {ep+1}/6] [Iter {k}] train_loss: {l.item():.6f} grad_norm: {float(g):.4f} lr: 0.002000',file=o)
print('FINAL',l.item(),k)
