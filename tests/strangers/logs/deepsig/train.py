import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

from torch.utils.tensorboard import SummaryWriter
from _data import shapes
torch.manual_seed(0)
x,y,_=shapes(2000,12,2,.3); x=x.flatten(1); L=[]; d=144
for i in range(9): L+=[nn.Linear(d,64),nn.ReLU() if FIX else nn.Sigmoid()]; d=64
net=nn.Sequential(*L,nn.Linear(64,5)); W=SummaryWriter(OUT)
if FIX: [nn.init.kaiming_normal_(q.weight) for q in L if hasattr(q,'weight')]
opt=torch.optim.Adam(net.parameters(),3e-4); k=0
for ep in range(30):
    for b in torch.randperm(2000).split(50):
        l=F.cross_entropy(net(x[b]),y[b]); opt.zero_grad(); l.backward(); opt.step(); k+=1
        if k%10==0:
            W.add_scalar('train/loss',l.item(),k); W.add_scalar('train/acc',(net(x[b]).argmax(1)==y[b]).float().mean().item(),k)
            for n,p in net.named_parameters():
                if 'weight' in n: W.add_scalar('grad_norm/'+n,p.grad.norm().item(),k)
W.close(); print('FINAL',l.item(),net[0].weight.grad.norm().item(),net[-1].weight.grad.norm().item())
