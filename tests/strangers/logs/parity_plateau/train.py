import sys,torch,torch.nn as nn,torch.nn.functional as F
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1);torch.manual_seed(7);w=SummaryWriter(sys.argv[1]);net=nn.Sequential(nn.Linear(24,128),nn.ReLU(),nn.Linear(128,1));opt=torch.optim.AdamW(net.parameters(),lr=2e-3,weight_decay=1e-2)
for s in range(4000):
    x=torch.randint(0,2,(128,24)).float()*2-1;y=(x[:,2]*x[:,9]*x[:,17]+1)/2;l=F.binary_cross_entropy_with_logits(net(x)[:,0],y);opt.zero_grad();l.backward();opt.step()
    if s%4==0:w.add_scalar("train/loss",l.item(),s)
    if s%1000==0:print(s,l.item())
w.close();print("VERIFY",l.item())
