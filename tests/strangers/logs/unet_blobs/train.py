import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

from _data import shapes
from torch.utils.tensorboard import SummaryWriter
torch.manual_seed(0)
x,_,m=shapes(1600,16,1,.6)
net=nn.Sequential(nn.Conv2d(1,16,3,padding=1),nn.ReLU(),nn.Conv2d(16,16,3,padding=1),nn.ReLU(),nn.Conv2d(16,1,3,padding=1))
opt=torch.optim.SGD(net.parameters(),lr=.1); W=SummaryWriter(OUT+'/runs/UNET_LR_0.1_BS_16'); k=0
sch=torch.optim.lr_scheduler.StepLR(opt,6,.7)
for ep in range(8):
    for b in torch.randperm(1600).split(16):
        l=F.binary_cross_entropy_with_logits(net(x[b]),m[b])
        if FIX: opt.zero_grad()
        l.backward(); gn=torch.stack([p.grad.norm() for p in net.parameters()]).norm(); opt.step(); k+=1
        W.add_scalar('Loss/train',l.item(),k); W.add_scalar('grad_norm',gn.item(),k); W.add_scalar('learning_rate',opt.param_groups[0]['lr'],k)
    sch.step(); print(ep,l.item(),gn.item())
W.close(); print('FINAL',l.item())
