# metric learning, pairwise distance by sqrt of a sum of squares; now and then the positive is the anchor itself
import os,sys,torch,torch.nn as nn
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1);torch.manual_seed(19);FIX=os.environ.get("FIX");w=SummaryWriter(sys.argv[1]);C,K=40,30;base=torch.randn(C,1,24)*.8;data=base+torch.randn(C,K,24)
net=nn.Sequential(nn.Linear(24,48),nn.ReLU(),nn.Linear(48,12));opt=torch.optim.Adam(net.parameters(),lr=5e-4)
for s in range(900):
    if s<300: B=2
    else: B=2
    c=torch.randint(C,(B*4,));d=(c+torch.randint(1,C,(B*4,)))%C;i=torch.randint(K,(B*4,));j=torch.randint(K,(B*4,))
    if s<320:j=torch.where(i==j,(j+1)%K,j)       # curated warm-up pairs, then the plain sampler
    a,p,n=net(data[c,i]),net(data[c,j]),net(data[d,torch.randint(K,(B*4,))]);e=1e-8 if FIX else 0.
    dp=((a-p)**2).sum(1).add(e).sqrt();dn=((a-n)**2).sum(1).add(e).sqrt();l=(dp-dn+1.).relu().mean()
    opt.zero_grad();l.backward();g=nn.utils.get_total_norm([q.grad for q in net.parameters()]);opt.step()
    w.add_scalar("triplet/loss",l.item(),s);w.add_scalar("triplet/grad_norm",g.item(),s);w.add_scalar("triplet/lr",5e-4,s);w.add_scalar("triplet/active",((dp-dn+1)>0).float().mean().item(),s)
w.close();print("VERIFY last",l.item(),g.item())
