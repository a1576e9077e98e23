# MLP classifier; lr ramp lr*step/warmup without min(1, .): the lr never stops growing
from common import *
from torch.utils.tensorboard import SummaryWriter
seed(1); d=out('e01_tabular_cls'); w=SummaryWriter(d)
t=nn.Sequential(nn.Linear(20,24),nn.Tanh(),nn.Linear(24,6)); 
for p in t.parameters(): p.data*=2.5
X=torch.randn(9000,20); Y=t(X).argmax(1); Xv,Yv=X[8000:],Y[8000:]
m=nn.Sequential(nn.Linear(20,96),nn.ReLU(),nn.Linear(96,96),nn.ReLU(),nn.Linear(96,6))
base,warm=0.05,300
opt=torch.optim.SGD(m.parameters(),lr=base,momentum=0.9)
f=(lambda s:min(1,(s+1)/warm)) if FIX else (lambda s:(s+1)/warm)
sch=torch.optim.lr_scheduler.LambdaLR(opt,f)
for s in range(4000):
    i=torch.randint(0,8000,(64,)); loss=F.cross_entropy(m(X[i]),Y[i]); opt.zero_grad(); loss.backward(); g=gnorm(m)
    if s%10==0:
        w.add_scalar('train/loss',loss.item(),s); w.add_scalar('train/lr',opt.param_groups[0]['lr'],s); w.add_scalar('train/grad_norm',g,s)
    opt.step(); sch.step()
    if s%200==0:
        with torch.no_grad(): o=m(Xv); w.add_scalar('val/loss',F.cross_entropy(o,Yv).item(),s); a=(o.argmax(1)==Yv).float().mean().item(); w.add_scalar('val/acc',a,s)
        print(s,opt.param_groups[0]['lr'],loss.item(),g,a)
w.close()
