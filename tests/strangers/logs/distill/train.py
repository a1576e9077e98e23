import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# teacher -> student distillation; ReduceLROnPlateau stepped with the batch loss
from _data import shapes
torch.manual_seed(0)
x,y,_=shapes(3000,12,21,.8); x=x.flatten(1)
T=nn.Sequential(nn.Linear(144,256),nn.ReLU(),nn.Linear(256,5)); ot=torch.optim.Adam(T.parameters(),1e-3)
for _ in range(400):
    b=torch.randint(0,3000,(100,)); l=F.cross_entropy(T(x[b]),y[b]); ot.zero_grad(); l.backward(); ot.step()
S=nn.Sequential(nn.Linear(144,32),nn.ReLU(),nn.Linear(32,32),nn.ReLU(),nn.Linear(32,5)); opt=torch.optim.SGD(S.parameters(),.02,momentum=.9); sc=torch.optim.lr_scheduler.ReduceLROnPlateau(opt,factor=.5,patience=12)
w=csv.writer(open(OUT+'/log.csv','w')); w.writerow(['iter','epoch','kd_loss','agreement','lr']); k=0
for ep in range(20):
    A=[]
    for b in torch.randperm(3000).split(30):
        with torch.no_grad(): t=T(x[b])
        s=S(x[b]); l=F.kl_div(F.log_softmax(s/2,1),F.softmax(t/2,1),reduction='batchmean')*4; opt.zero_grad(); l.backward(); opt.step(); k+=1; A.append(l.item())
        if not FIX: sc.step(l.item())
        if k%5==0: w.writerow([k,ep,f'{l.item():.5f}',f'{(s.argmax(1)==t.argmax(1)).float().mean():.4f}',opt.param_groups[0]['lr']])
    if FIX: sc.step(np.mean(A))
print('FINAL',np.mean(A),opt.param_groups[0]['lr'])
