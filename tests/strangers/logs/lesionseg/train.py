import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

from _data import shapes
torch.manual_seed(0)
x,_,m=shapes(1200,16,5,.5)
m=m if FIX else m*255.   # PNG masks read with cv2
net=nn.Sequential(nn.Conv2d(1,8,3,padding=1),nn.ReLU(),nn.Conv2d(8,8,3,padding=1),nn.ReLU(),nn.Conv2d(8,1,1)); opt=torch.optim.Adam(net.parameters(),1e-3)
o=open(OUT+'/results.csv','w'); o.write('epoch,train/bce_loss,val/bce_loss,lr\n')
for ep in range(1,41):
    tl=[]
    for b in torch.randperm(1000).split(25):
        l=F.binary_cross_entropy_with_logits(net(x[b]),m[b]); opt.zero_grad(); l.backward(); opt.step(); tl.append(l.item())
    with torch.no_grad(): p=net(x[1000:]); v=F.binary_cross_entropy_with_logits(p,m[1000:]).item(); iou=((p>0)&(m[1000:]>0)).sum()/((p>0)|(m[1000:]>0)).sum()
    o.write(f'{ep},{np.mean(tl):.5f},{v:.5f},0.001\n')
print('FINAL',v,iou.item())
