# position from noisy velocity (dead reckoning), plain recurrent net over 220 samples
import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1); torch.manual_seed(35); T=220
def batch(n):
    v=torch.randn(n,T,3).cumsum(1)*0.1; v=v+torch.randn(n,1,3)*0.5; return v+0.2*torch.randn(n,T,3),v.cumsum(1).norm(dim=2,keepdim=True)*0.05
r=nn.RNN(3,64,nonlinearity='relu',batch_first=True); o=nn.Linear(64,1)
with torch.no_grad(): r.weight_hh_l0.copy_(0.8*torch.eye(64)); r.bias_ih_l0.zero_(); r.bias_hh_l0.zero_()
ps=[*r.parameters(),*o.parameters()]; opt=torch.optim.SGD(ps,lr=3e-5); w=SummaryWriter('run'); said=0; big=0
for s in range(1500):
    x,y=batch(32); l=nn.functional.mse_loss(o(r(x)[0]),y); opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(ps,float('inf'))
    if not said and not torch.isfinite(g): said=1; print('first',s,l.item())
    if (s%50==0 or l>500) and big<40 and not said: big+=l.item()>500; print(s,l.item(),g.item(),torch.linalg.eigvals(r.weight_hh_l0.data).abs().max().item())
    opt.step(); w.add_scalar('train_loss',l.item(),s); w.add_scalar('gradnorm',g.item(),s)
w.close()
