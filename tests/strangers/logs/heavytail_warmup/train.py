import sys,torch,torch.nn as nn
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1);torch.manual_seed(15);w=SummaryWriter(sys.argv[1]);T=torch.distributions.StudentT(2.1);k=torch.randn(20);net=nn.Sequential(nn.Linear(20,64),nn.ReLU(),nn.Linear(64,1));opt=torch.optim.AdamW(net.parameters(),lr=3e-3);sch=torch.optim.lr_scheduler.LambdaLR(opt,lambda s:min(1,(s+1)/150)*.5*(1+torch.tensor(3.1416*s/1500).cos().item()));xe=torch.randn(1000,20);ye=xe@k*40+100
for s in range(1500):
    x=torch.randn(32,20);y=x@k*40+100+15*T.sample((32,));p=net(x)[:,0]*100;l=((p-y)**2).mean();opt.zero_grad();l.backward();g=nn.utils.clip_grad_norm_(net.parameters(),1000.);lr=sch.get_last_lr()[0];opt.step();sch.step();w.add_scalar("train/loss",l.item(),s);w.add_scalar("train/grad_norm",g.item(),s);w.add_scalar("train/lr",lr,s)
    if s%500==0:print(s,((net(xe)[:,0]*100-ye)**2).mean().item())
w.close();print("VERIFY clean mse",((net(xe)[:,0]*100-ye)**2).mean().item())
