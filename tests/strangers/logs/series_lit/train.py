# forecasting, linear warm-up written per step with a per-epoch constant; lightning CSVLogger + LearningRateMonitor
import torch, csv, os
from torch import nn
torch.set_num_threads(1); torch.manual_seed(39); os.makedirs('run',exist_ok=True)
t=torch.arange(60000.); z=torch.sin(t/9)+0.5*torch.sin(t/31)+0.25*torch.randn(60000); 
def batch(lo,hi,n=64): i=torch.randint(lo,hi,(n,)); w=torch.stack([z[j:j+60] for j in i]); return w[:,:48],w[:,48:]
net=nn.Sequential(nn.Linear(48,128),nn.ReLU(),nn.Linear(128,128),nn.ReLU(),nn.Linear(128,12)); 
opt=torch.optim.SGD(net.parameters(),lr=0.06,momentum=0.9); sch=torch.optim.lr_scheduler.LambdaLR(opt,lambda k:(k+1)/50)   # min(1, .) forgotten
rows=[]; s=0
for ep in range(16):
    for b in range(150):
        x,y=batch(0,50000); l=nn.functional.mse_loss(net(x),y); opt.zero_grad(); l.backward(); lr=opt.param_groups[0]['lr']; opt.step(); sch.step()
        if s%10==9: rows+= [{'lr-SGD':lr,'step':s},{'epoch':ep,'step':s,'train/loss':l.item()}]
        s+=1
    with torch.no_grad(): x,y=batch(50000,59900,512); rows.append({'epoch':ep,'step':s-1,'val/loss':nn.functional.mse_loss(net(x),y).item()})
with open('run/metrics.csv','w',newline='') as f: w=csv.DictWriter(f,['epoch','lr-SGD','step','train/loss','val/loss']); w.writeheader(); w.writerows(rows)
