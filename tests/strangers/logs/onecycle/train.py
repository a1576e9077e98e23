import torch,torch.nn as nn,copy
from torch.utils.tensorboard import SummaryWriter
import time
torch.manual_seed(0)
X=torch.randn(4000,20);W=torch.randn(20,5);Y=(X@W).argmax(1);fl=torch.rand(4000)<.1;Y[fl]=torch.randint(0,5,(int(fl.sum()),))
m=nn.Sequential(nn.Linear(20,128),nn.ReLU(),nn.Linear(128,5));o=torch.optim.SGD(m.parameters(),.1,momentum=.9,nesterov=True);T=2000
sch=torch.optim.lr_scheduler.OneCycleLR(o,.2,T);w=SummaryWriter('run');ck=None;s=0;killed=[870,1390]
while s<T:
    if s%300==0:ck=(copy.deepcopy(m.state_dict()),copy.deepcopy(o.state_dict()),copy.deepcopy(sch.state_dict()),s)
    if killed and s==killed[0]:
        killed.pop(0);w.close();time.sleep(1.2);m.load_state_dict(ck[0]);o.load_state_dict(ck[1]);sch.load_state_dict(ck[2]);s=ck[3];w=SummaryWriter('run');continue
    i=torch.randint(0,4000,(64,));l=nn.functional.cross_entropy(m(X[i]),Y[i]);o.zero_grad();l.backward();o.step();lr=o.param_groups[0]['lr'];sch.step()
    if s%10==0:w.add_scalar('loss',l.item(),s);w.add_scalar('learning_rate',lr,s)
    s+=1
w.close()
