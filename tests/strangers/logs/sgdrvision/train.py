import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

from _data import shapes
torch.manual_seed(0)
x,y,_=shapes(4000,12,40,.5)
net=nn.Sequential(nn.Conv2d(1,12,3,padding=1),nn.ReLU(),nn.MaxPool2d(2),nn.Conv2d(12,24,3,padding=1),nn.ReLU(),nn.MaxPool2d(2),nn.Flatten(),nn.Linear(216,5)); opt=torch.optim.SGD(net.parameters(),.04,momentum=.9,weight_decay=1e-4); sc=torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt,160,2,eta_min=1e-4)
w=csv.writer(open(OUT+'/train.csv','w')); w.writerow(['it','train_loss','grad_norm','lr']); k=0; A=[]
for ep in range(17):
    for b in torch.randperm(4000).split(64):
        l=F.cross_entropy(net(x[b]),y[b]); opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(net.parameters(),10.); opt.step(); k+=1; A.append(l.item()); w.writerow([k,round(l.item(),5),round(float(g),5),opt.param_groups[0]['lr']]); sc.step()
print('FINAL',np.mean(A[:20]),np.mean(A[-50:]),k)
