# sensor windows -> class, BatchNorm net; lightning CSVLogger layout
import torch, csv, os, yaml
from torch import nn
torch.set_num_threads(1); torch.manual_seed(12); os.makedirs('run',exist_ok=True)
K=5; fr=torch.tensor([.05,.08,.12,.17,.24]); t=torch.arange(64.)
def make(n):
    y=torch.randint(0,K,(n,)); ph=torch.rand(n,3,1)*6.28
    return torch.sin(6.28*fr[y][:,None,None]*t+ph)*0.8+1.1*torch.randn(n,3,64), y
X,Y=make(64*90); Xv,Yv=make(1000)
net=nn.Sequential(nn.Conv1d(3,24,7,2,3),nn.BatchNorm1d(24),nn.ReLU(),nn.Conv1d(24,32,5,2,2),nn.BatchNorm1d(32),nn.ReLU(),nn.AdaptiveAvgPool1d(1),nn.Flatten(),nn.Linear(32,K))
opt=torch.optim.Adam(net.parameters(),1e-3); ce=nn.functional.cross_entropy; rows=[]; s=0
for ep in range(25):
    net.train()
    for bi,idx in enumerate(torch.randperm(len(X)).split(64)):
        x=X[idx]+0.1*torch.randn(len(idx),3,64)
        if ep==9 and bi==61: x[5]=x[5]*(0.0*float('inf'))            # augmentation: rescale of an all-zero window, 0/0
        l=ce(net(x),Y[idx]); opt.zero_grad()
        if torch.isfinite(l): l.backward(); opt.step()
        else: print('skipped',ep,s,torch.isfinite(net[1].running_mean).all())
        if s%30==29: rows.append(dict(epoch=ep,step=s,train_loss_step=l.item()))
        s+=1
    net.eval()
    with torch.no_grad(): o=net(Xv); rows.append(dict(epoch=ep,step=s-1,val_loss=ce(o,Yv).item(),val_acc=(o.argmax(1)==Yv).float().mean().item()))
with open('run/metrics.csv','w',newline='') as f: w=csv.DictWriter(f,['epoch','step','train_loss_step','val_acc','val_loss']); w.writeheader(); w.writerows(rows)
yaml.safe_dump(dict(lr=1e-3,batch_size=64,max_epochs=25),open('run/hparams.yaml','w')) if yaml else 0
