# spectrogram-frame classifier with BatchNorm, high learning rate; lightning CSVLogger
import torch, csv, os
from torch import nn
torch.set_num_threads(1); torch.manual_seed(47); os.makedirs('run',exist_ok=True)
K=12; P=torch.randn(K,40)
def make(n,g=1.0): y=torch.randint(0,K,(n,)); return (P[y]*0.7+torch.randn(n,40))*g,y
Xv,Yv=make(600)
Xv[:40]*=7.0                                     # louder speakers in the validation part
net=nn.Sequential(nn.Linear(40,128),nn.BatchNorm1d(128,momentum=0.9),nn.ReLU(),nn.Linear(128,128),nn.BatchNorm1d(128,momentum=0.9),nn.ReLU(),nn.Linear(128,K))
opt=torch.optim.Adam(net.parameters(),3e-2); sch=torch.optim.lr_scheduler.CosineAnnealingLR(opt,60*125); rows=[]; s=0
for ep in range(60):
    net.train(); tot=0; X,Y=make(8000)
    for idx in torch.randperm(8000).split(64):
        if torch.rand(1)<0.07: X[idx]=X[idx]*float(2+6*torch.rand(1))     # one loud recording
        l=nn.functional.cross_entropy(net(X[idx]),Y[idx]); opt.zero_grad(); l.backward(); opt.step(); sch.step(); tot+=l.item()
        if s%50==49: rows.append({'epoch':ep,'step':s,'train_loss_step':l.item()})
        s+=1
    net.eval()
    with torch.no_grad(): o=net(Xv); rows.append({'epoch':ep,'step':s-1,'val_loss':nn.functional.cross_entropy(o,Yv).item(),'val_acc':(o.argmax(1)==Yv).float().mean().item()})
    rows.append({'epoch':ep,'step':s-1,'train_loss_epoch':tot/125})
with open('run/metrics.csv','w',newline='') as f: w=csv.DictWriter(f,['epoch','step','train_loss_epoch','train_loss_step','val_acc','val_loss']); w.writeheader(); w.writerows(rows)
