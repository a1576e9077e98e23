# cosine warm restarts (Adam, MLP regression)
from common import *
seed(101); d=out('k01_sgdr_regression'); L=CSV(d+'/history.csv',['step','train_loss','lr','gradient_norm'])
X=torch.rand(6000,3)*4-2; f=lambda X:torch.sin(3*X[:,:1])*torch.cos(2*X[:,1:2])+.3*X[:,2:3]**2; Y=f(X)+.05*torch.randn(6000,1)
m=nn.Sequential(nn.Linear(3,96),nn.ReLU(),nn.Linear(96,96),nn.ReLU(),nn.Linear(96,1)); opt=torch.optim.Adam(m.parameters(),lr=2e-2)
sch=torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt,400,T_mult=2,eta_min=1e-5)
for s in range(2800):
    i=torch.randint(0,6000,(64,)); l=F.mse_loss(m(X[i]),Y[i]); opt.zero_grad(); l.backward(); g=gnorm(m); opt.step()
    if s%2==0: L(step=s,train_loss=f"{l.item():.6g}",lr=f"{opt.param_groups[0]['lr']:.4e}",gradient_norm=f"{g:.4g}")
    sch.step()
    if s%100==0: print(s,l.item(),opt.param_groups[0]['lr'],g)
Xt=torch.rand(2000,3)*4-2; print('test',F.mse_loss(m(Xt),f(Xt)).item(),'var',f(Xt).var().item())
