import torch,torch.nn as nn
from torch.utils.tensorboard import SummaryWriter
torch.manual_seed(0);w=SummaryWriter('run')
g=torch.Generator().manual_seed(1);N=240
X=torch.randn(N,3,24,24,generator=g);X=nn.functional.avg_pool2d(X,5,1,2)*4
Y=(X[:,0]>0.3).long()+2*(X[:,1]>0.3).long()
for i in range(N):
    if torch.rand(1,generator=g)<.35: Y[i,:, :]=255    # unlabelled crops
    else: Y[i,torch.rand(24,24,generator=g)<.2]=255
m=nn.Sequential(nn.Conv2d(3,24,3,padding=1),nn.BatchNorm2d(24),nn.ReLU(),nn.Conv2d(24,24,3,padding=1),nn.BatchNorm2d(24),nn.ReLU(),nn.Conv2d(24,4,1))
opt=torch.optim.SGD(m.parameters(),.02,momentum=.9,weight_decay=1e-4);EP=12;B=4
T=EP*N//B;sch=torch.optim.lr_scheduler.PolynomialLR(opt,T,.9);s=0;ce=nn.CrossEntropyLoss(ignore_index=255)
for ep in range(EP):
    p=torch.randperm(N)
    for k in range(0,N,B):
        i=p[k:k+B];l=ce(m(X[i]),Y[i]);opt.zero_grad();l.backward();opt.step();sch.step()
        if not l.isfinite(): print(s,l.item(),(Y[i]!=255).sum().item(),[float(q.grad.abs().max()) for q in m.parameters()][:2])
        w.add_scalar('train/seg_loss',l.item(),s);w.add_scalar('train/lr',opt.param_groups[0]['lr'],s);s+=1
w.close()
