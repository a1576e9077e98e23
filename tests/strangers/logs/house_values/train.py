# house values in dollars, batch size 1: mse ~ 1e9, very noisy
from common import *
seed(110); d=out('k10_house_values'); L=TXT(d+'/train.out')
X=torch.randn(3000,6); Y=(2.2e4+9e3*X[:,0]+4e3*torch.relu(X[:,1])*X[:,2]+2e3*X[:,3]+1.2e3*torch.randn(3000))
m=nn.Sequential(nn.Linear(6,32),nn.ReLU(),nn.Linear(32,1)); opt=torch.optim.Adam(m.parameters(),lr=.05); perm=torch.randperm(3000)
Xs=X; 
json.dump(dict(batch_size=1,lr='0.05 -> 0.005 (linear)',loss='mse, dollars^2'),open(d+'/config.json','w'))
out_scale=1000.
for s in range(1,6001):
    opt.param_groups[0]['lr']=.05*(1-.9*s/6000)
    i=torch.randint(0,3000,(1,)); l=F.mse_loss(m(X[i])[:,0]*out_scale,Y[i]); opt.zero_grad(); l.backward(); opt.step()
    if s%4==0: L(f"Iter {s}/6000: mse = {l.item():.3e} (lr={opt.param_groups[0]['lr']:.4f})")
    if s%500==0:
        with torch.no_grad(): print(s,l.item(),'full',F.mse_loss(m(X)[:,0]*out_scale,Y).item())
