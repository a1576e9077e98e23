# churn model per region; keras CSVLogger; val precision/AUC of the small validation part can be undefined
import torch, csv, os
from torch import nn
torch.set_num_threads(1); torch.manual_seed(53); os.makedirs('run',exist_ok=True)
A=torch.randn(24); 
def make(n): x=torch.randn(n,24); return x,(x@A*0.5-4.6+torch.randn(n)>0).float()
X,Y=make(9000); net=nn.Sequential(nn.Linear(24,48),nn.ReLU(),nn.Dropout(0.3),nn.Linear(48,1)); opt=torch.optim.Adam(net.parameters(),5e-4)
f=open('run/training.csv','w',newline=''); w=csv.writer(f); w.writerow(['epoch','loss','precision','recall','val_auc','val_loss','val_precision'])
def auc(o,y):
    p,q=o[y>0],o[y==0]
    return (p[:,None]>q[None]).float().mean().item()
def prec(o,y): return ((o>0)&(y>0)).sum().item()/((o>0).sum().item() or float('nan'))
for ep in range(100):
    tot=0; O=[]; T=[]
    for i in torch.randperm(9000).split(64):
        o=net(X[i])[:,0]; l=nn.functional.binary_cross_entropy_with_logits(o,Y[i]); opt.zero_grad(); l.backward(); opt.step(); tot+=l.item()*len(i); O.append(o.detach()); T.append(Y[i])
    O,T=torch.cat(O),torch.cat(T); net.eval(); xv,yv=make(45)          # one region per epoch
    with torch.no_grad(): ov=net(xv)[:,0]
    net.train(); w.writerow([ep,tot/9000,prec(O,T),((O>0)&(T>0)).sum().item()/T.sum().item(),auc(ov,yv),nn.functional.binary_cross_entropy_with_logits(ov,yv).item(),prec(ov,yv)])
