# 12-layer sigmoid MLP, default init: nothing gets through
import os,sys,torch,torch.nn as nn,torch.nn.functional as F
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1);torch.manual_seed(27);FIX=os.environ.get("FIX");w=SummaryWriter(sys.argv[1]);A=nn.ReLU if FIX else nn.Sigmoid
ls=[];d=20
for _ in range(11):
    l=nn.Linear(d,40)
    if FIX:nn.init.kaiming_normal_(l.weight)
    ls+=[l,A()];d=40
net=nn.Sequential(*ls,nn.Linear(40,6));opt=torch.optim.SGD(net.parameters(),lr=.02);mu=torch.randn(6,20)
for s in range(1000):
    y=torch.randint(6,(64,));x=mu[y]+torch.randn(64,20);o=net(x);l=F.cross_entropy(o,y);opt.zero_grad();l.backward();opt.step()
    if s%5==0:
        w.add_scalar("train/loss",l.item(),s);w.add_scalar("train/acc",(o.argmax(1)==y).float().mean().item(),s)
        for n,p in net.named_parameters():
            if n.endswith("weight") and int(n.split(".")[0]) in(0,6,12,18,22):w.add_scalar("gradient_norm/"+n,p.grad.norm().item(),s)
w.close();print("VERIFY last",l.item(),(o.argmax(1)==y).float().mean().item())
