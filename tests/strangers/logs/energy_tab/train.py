# household energy use; monthly files, read one after another
import torch, numpy as np, csv, os
from torch import nn
torch.set_num_threads(1); torch.manual_seed(3); rng=np.random.default_rng(3); os.makedirs('run',exist_ok=True)
w1=rng.normal(size=(18,32)); w2=rng.normal(size=32)
def month(m,n=24000):
    x=rng.normal(size=(n,18)).astype('f'); y=np.tanh(x@w1*0.3)@w2*0.6+rng.normal(size=n)*0.3
    meter=rng.gamma(2.0,3.0,size=n)                      # raw meter difference
    if m==7: meter[rng.integers(5000,9000)]=-14.2        # a meter was swapped: negative difference
    with np.errstate(invalid='ignore'): f=np.log1p(meter)-1.8
    return np.concatenate([x,f[:,None]],1).astype('f'), y.astype('f')
net=nn.Sequential(nn.Linear(19,96),nn.ReLU(),nn.Linear(96,96),nn.ReLU(),nn.Linear(96,1))
opt=torch.optim.AdamW(net.parameters(),1e-3,weight_decay=1e-2)
sch=torch.optim.lr_scheduler.CosineAnnealingLR(opt,12*94)
f=open('run/log.csv','w',newline=''); w=csv.writer(f); w.writerow(['step','loss','lr']); s=0; said=0
for m in range(12):
    X,Y=map(torch.from_numpy,month(m))
    for i in range(0,len(X),256):
        l=nn.functional.mse_loss(net(X[i:i+256])[:,0],Y[i:i+256])
        if not said and not torch.isfinite(l): said=1; print('first',s,torch.isfinite(X[i:i+256]).all(), all(torch.isfinite(p).all() for p in net.parameters()))
        opt.zero_grad(); l.backward(); opt.step(); w.writerow([s,round(l.item(),5),opt.param_groups[0]['lr']]); sch.step(); s+=1
