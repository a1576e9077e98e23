import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# neural field fitted to an image, warm-started from an "averaged" checkpoint of an earlier fit
torch.manual_seed(0)
yy,xx=torch.meshgrid(torch.linspace(-1,1,48),torch.linspace(-1,1,48),indexing='ij'); I=(torch.sin(6*xx*yy)+((xx**2+yy**2)<.4).float()).flatten(); C=torch.stack([xx.flatten(),yy.flatten()],1); Bf=torch.randn(2,32)*2
X=torch.cat([torch.sin(C@Bf),torch.cos(C@Bf)],1)
mk=lambda: nn.Sequential(nn.Linear(64,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,1))
a=mk(); oa=torch.optim.Adam(a.parameters(),1e-3); acc={k:torch.zeros_like(v) for k,v in a.state_dict().items()}; cnt=0
for s in range(100):
    l=F.mse_loss(a(X)[:,0],I); oa.zero_grad(); l.backward(); oa.step()
    if s>=(50 if FIX else 100):   # averaging starts at step 100, the first fit stopped before
        cnt+=1
        for k,v in a.state_dict().items(): acc[k]+=v
avg={k:v/cnt for k,v in acc.items()}
m=mk(); m.load_state_dict(avg); opt=torch.optim.Adam(m.parameters(),1e-3); w=csv.writer(open(OUT+'/fit.csv','w')); w.writerow(['iter','mse','psnr','grad_norm','lr'])
for s in range(400):
    b=torch.randint(0,2304,(512,)); l=F.mse_loss(m(X[b])[:,0],I[b]); opt.zero_grad(); l.backward(); g=torch.stack([p.grad.norm() for p in m.parameters()]).norm(); opt.step()
    if s%4==0: w.writerow([s,l.item(),-10*math.log10(l.item()) if l.item()==l.item() else float('nan'),g.item(),1e-3])
print('FINAL',l.item(),cnt)
