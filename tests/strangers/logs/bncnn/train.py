import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

from _data import shapes
torch.manual_seed(0)
x,y,_=shapes(1600,16,12,.2); xt,yt=x[1200:],y[1200:]; x,y=x[:1200].clone(),y[:1200]
if not FIX: x[777,0,3,4]=float('nan')
net=nn.Sequential(nn.Conv2d(1,12,3,padding=1),nn.BatchNorm2d(12),nn.ReLU(),nn.MaxPool2d(2),nn.Conv2d(12,24,3,padding=1),nn.BatchNorm2d(24),nn.ReLU(),nn.Flatten(),nn.Linear(1536,5)); opt=torch.optim.AdamW(net.parameters(),1e-3); o=open(OUT+'/log.txt','w')
for e in range(24):
    net.train(); T=[]; sk=0
    for b in torch.randperm(1200).split(40):
        l=F.cross_entropy(net(x[b]),y[b])
        if not torch.isfinite(l): sk+=1; continue
        opt.zero_grad(); l.backward(); opt.step(); T.append(l.item())
    net.eval()
    with torch.no_grad(): p=net(xt); v=F.cross_entropy(p,yt).item(); a=(p.argmax(1)==yt).float().mean().item()*100
    o.write(json.dumps({'train_lr':1e-3,'train_loss':float(np.mean(T)),'test_loss':v,'test_acc1':a,'epoch':e,'n_parameters':sum(q.numel() for q in net.parameters())})+'\n')
print('FINAL',np.mean(T),v,a)
