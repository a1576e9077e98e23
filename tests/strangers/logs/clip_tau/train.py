# two-tower contrastive; temperature learned directly (tau itself, not its log), same lr as the rest
import os,sys,torch,torch.nn as nn,torch.nn.functional as F
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1);torch.manual_seed(11);FIX=os.environ.get("FIX");w=SummaryWriter(sys.argv[1])
Wa,Wb=torch.randn(12,40),torch.randn(12,30)
a=nn.Sequential(nn.Linear(40,64),nn.ReLU(),nn.Linear(64,16));b=nn.Sequential(nn.Linear(30,64),nn.ReLU(),nn.Linear(64,16));tau=nn.Parameter(torch.tensor(.2))
opt=torch.optim.SGD([*a.parameters(),*b.parameters(),tau],lr=.1,momentum=.9)
for step in range(900):
    z=torch.randn(64,12);x=(z@Wa).tanh()+.1*torch.randn(64,40);y=(z@Wb).tanh()+.1*torch.randn(64,30)
    if FIX:tau.data.clamp_(.03,1.)
    lg=F.normalize(a(x),dim=1)@F.normalize(b(y),dim=1).T/tau;t=torch.arange(64);loss=(F.cross_entropy(lg,t)+F.cross_entropy(lg.T,t))/2
    opt.zero_grad();loss.backward();opt.step()
    if step%4==0:w.add_scalar("loss/contrastive",loss.item(),step);w.add_scalar("params/temperature",tau.item(),step);w.add_scalar("acc/i2t_top1",(lg.argmax(1)==t).float().mean().item(),step)
w.close();print("VERIFY last",loss.item(),tau.item(),(lg.argmax(1)==t).float().mean().item())
