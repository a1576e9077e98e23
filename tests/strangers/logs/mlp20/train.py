import torch,torch.nn as nn
from torch.utils.tensorboard import SummaryWriter
torch.manual_seed(0);w=SummaryWriter('run')
g=torch.Generator().manual_seed(1);pro=torch.randn(20,64,generator=g)*.4
def mkd(n):
    y=torch.randint(0,20,(n,),generator=g);return pro[y]+.8*torch.randn(n,64,generator=g),y
X,Y=mkd(6000);VX,VY=mkd(1000)
m=nn.Sequential(nn.Linear(64,256),nn.ReLU(),nn.Linear(256,256),nn.ReLU(),nn.Linear(256,20));opt=torch.optim.SGD(m.parameters(),.01,momentum=.9)
sch=torch.optim.lr_scheduler.ExponentialLR(opt,.97);s=0;ce=nn.CrossEntropyLoss()
for ep in range(40):
    p=torch.randperm(6000)
    for k in range(0,6000,128):
        i=p[k:k+128];l=ce(m(X[i]),Y[i]);opt.zero_grad();l.backward();gn=sum((q.grad**2).sum() for q in m.parameters()).sqrt().item();opt.step();sch.step()   # per batch
        if s%10==0:w.add_scalar('Loss/train',l.item(),s);w.add_scalar('LR',opt.param_groups[0]['lr'],s);w.add_scalar('GradNorm',gn,s)
        s+=1
    with torch.no_grad():o=m(VX);w.add_scalar('Loss/val',ce(o,VY).item(),s);w.add_scalar('Acc/val',(o.argmax(1)==VY).float().mean().item(),s)
w.close()
