# regression, NaN in the target of some rows; Lightning metrics.csv
from common import *
import yaml
seed(5); d=out('e05_sensor_forecast/version_0'); L=CSV(d+'/metrics.csv',['epoch','grad_2.0_norm_total','lr-Adam','pred_mean','step','target_mean','train_loss','val_loss'])
yaml.safe_dump(dict(batch_size=64,hidden=48,lr=0.002,max_epochs=12,window=24),open(d+'/hparams.yaml','w'))
t=torch.arange(12000)*.05; sig=torch.sin(t)+.4*torch.sin(3.1*t+1)+.1*torch.randn(12000)
W=sig.unfold(0,25,1)[:6400].clone(); X,Y=W[:,:24].clone(),W[:,24:].clone()
V=sig.unfold(0,25,1)[8000:9000]; Xv,Yv=V[:,:24],V[:,24:]
if not FIX: Y[4711]=float('nan')      # a gap of the sensor, in the last day's target
m=nn.Sequential(nn.Linear(24,48),nn.ReLU(),nn.Linear(48,1)); opt=torch.optim.Adam(m.parameters(),lr=.002); s=0
for ep in range(12):
    order=torch.randperm(6400) if ep else torch.cat([torch.arange(4600),torch.arange(4600,6400)])
    for i in order.split(64):
        p=m(X[i]); loss=F.mse_loss(p,Y[i]); opt.zero_grad(); loss.backward(); g=gnorm(m); opt.step()
        if s%1==0: L(epoch=ep,step=s,train_loss=loss.item(),pred_mean=p.mean().item(),target_mean=Y[i].mean().item(),**{'grad_2.0_norm_total':g,'lr-Adam':.002})
        s+=1
    with torch.no_grad(): v=F.mse_loss(m(Xv),Yv).item()
    L(epoch=ep,step=s-1,val_loss=v); print(ep,loss.item(),v)
