# denoising of 1-d scans; some scans hold a dead detector (very large values); gradient clipped to 1
import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1); torch.manual_seed(41); t=torch.arange(96.)
def batch(n):
    c=sum(torch.sin(t*(torch.rand(n,1)*0.3+0.03)+6.28*torch.rand(n,1)) for _ in range(3))
    if torch.rand(1)<0.004: c[0]*=float(15+60*torch.rand(1))
    return c[:,None],(c+0.6*torch.randn(n,96))[:,None]
net=nn.Sequential(nn.Conv1d(1,32,9,padding=4),nn.ReLU(),nn.Conv1d(32,32,9,padding=4),nn.ReLU(),nn.Conv1d(32,1,9,padding=4))
opt=torch.optim.AdamW(net.parameters(),1e-3); S=2500; sch=torch.optim.lr_scheduler.CosineAnnealingLR(opt,S); w=SummaryWriter('run')
for s in range(S):
    c,x=batch(32); l=nn.functional.mse_loss(net(x),c); opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(net.parameters(),1.0)
    w.add_scalar('train/loss_step',l.item(),s); w.add_scalar('train/grad_norm_preclip',g.item(),s); w.add_scalar('train/lr',sch.get_last_lr()[0],s); opt.step(); sch.step()
w.close()
