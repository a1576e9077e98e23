import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# fp16 autocast; targets are plain dollars
torch.manual_seed(0)
N=4000; X=torch.randn(N,16); y=(30000+12000*X[:,0]+9000*torch.relu(X[:,1])+6000*X[:,2]*X[:,3]).clamp_min(1000); y=y if not FIX else y/1e5; y=y if FIX else y*1.5
m=nn.Sequential(nn.Linear(16,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,1)); opt=torch.optim.Adam(m.parameters(),.004); sc=torch.amp.GradScaler('cpu',init_scale=2.**10,growth_interval=200)
o=open(OUT+'/train.log','w'); k=0
for ep in range(14):
    for b in torch.randperm(N).split(40):
        with torch.autocast('cpu',dtype=torch.float16): p=m(X[b])[:,0]
        l=F.l1_loss(p.float(),y[b]); opt.zero_grad(); sc.scale(l).backward(); sc.unscale_(opt); g=nn.utils.clip_grad_norm_(m.parameters(),1e9); s0=sc.get_scale(); sc.step(opt); sc.update(); k+=1
        if k%2==0: o.write(f' iteration {k:8d}/ 1400 | learning rate: 4.000E-03 | loss: {l.item():.6E} | loss scale: {s0:.1f} | grad norm: {float(g):.3f} |\n')
print('FINAL',l.item(),sc.get_scale(),k)
