# multi-label tagging; own loss on sigmoid outputs; keras-style csv per epoch
import torch, csv, os
from torch import nn
torch.set_num_threads(1); torch.manual_seed(6); os.makedirs('run',exist_ok=True)
A=torch.randn(40,12); X=torch.randn(6000,40); Y=(torch.tanh(X@A*0.4)+0.15*torch.randn(6000,12)>0).float()
Xv=torch.randn(1500,40); Yv=(torch.tanh(Xv@A*0.4)+0.15*torch.randn(1500,12)>0).float()
net=nn.Sequential(nn.Linear(40,96),nn.ReLU(),nn.Linear(96,12),nn.Sigmoid())
opt=torch.optim.Adam(net.parameters(),1e-4)
def bce(p,y): return -(y*torch.log(p)+(1-y)*torch.log(1-p)).mean()
f=open('run/training.log','w',newline=''); w=csv.writer(f); w.writerow(['epoch','accuracy','loss','lr','val_accuracy','val_loss']); said=0
for ep in range(120):
    L=a=n=0
    for idx in torch.randperm(6000).split(128):
        p=net(X[idx]); l=bce(p,Y[idx])
        if not said and not torch.isfinite(l): said=1; print('first epoch',ep,'batch',n,p.max().item(),p.min().item(),l.item())
        opt.zero_grad(); l.backward(); opt.step(); L+=l.item(); a+=((p>0.5)==(Y[idx]>0.5)).float().mean().item(); n+=1
    with torch.no_grad(): p=net(Xv); vl=nn.functional.binary_cross_entropy(p,Yv).item() if torch.isfinite(p).all() else float('nan'); va=((p>0.5)==(Yv>0.5)).float().mean().item()
    w.writerow([ep,a/n,L/n,1e-4,va,vl])
