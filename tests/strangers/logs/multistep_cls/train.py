# classifier with MultiStepLR (cliff) and a resume with all its state: two event files
from common import *
from torch.utils.tensorboard import SummaryWriter
seed(109); d=out('k09_multistep_cls')
t=nn.Sequential(nn.Linear(24,32),nn.Tanh(),nn.Linear(32,10))
for p in t.parameters(): p.data*=3
X=torch.randn(20000,24); Y=t(X).argmax(1)
m=nn.Sequential(nn.Linear(24,128),nn.ReLU(),nn.Linear(128,128),nn.ReLU(),nn.Linear(128,10)); opt=torch.optim.SGD(m.parameters(),lr=.15,momentum=.9); sch=torch.optim.lr_scheduler.MultiStepLR(opt,[1800,2600],.1)
def run(a,b):
    w=SummaryWriter(d)
    for s in range(a,b):
        i=torch.randint(0,18000,(64,)); l=F.cross_entropy(m(X[i]),Y[i]); opt.zero_grad(); l.backward(); g=gnorm(m); opt.step()
        if s%10==0: w.add_scalar('train/nll',l.item(),s); w.add_scalar('optim/lr',opt.param_groups[0]['lr'],s); w.add_scalar('optim/grad_norm',g,s)
        sch.step()
        if s%250==0:
            with torch.no_grad(): o=m(X[18000:]); v=F.cross_entropy(o,Y[18000:]).item(); w.add_scalar('val/nll',v,s); print(s,l.item(),g,v,(o.argmax(1)==Y[18000:]).float().mean().item())
    w.close()
run(0,1300); ck=(m.state_dict(),opt.state_dict(),sch.state_dict()); time.sleep(1.1)
m.load_state_dict(ck[0]); opt.load_state_dict(ck[1]); sch.load_state_dict(ck[2]); run(1300,3200)
