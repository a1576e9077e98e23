# rating prediction on logged impressions, file order kept
import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1); torch.manual_seed(5)
B=256; N=B*220; X=torch.randn(N,16); C=torch.randint(0,500,(N,3)); tv=torch.randn(500)
Y=(3.4+torch.tanh(X[:,:6].sum(1)*0.5+tv[C].sum(1)*0.4)+0.5*torch.randn(N)).clamp(1,5)
Y[B*93+17]=1204.0                               # a view count in the rating column
class M(nn.Module):
    def __init__(s):
        super().__init__(); s.e=nn.Embedding(500,8); s.m=nn.Sequential(nn.Linear(40,64),nn.ReLU(),nn.Linear(64,32),nn.ReLU(),nn.Linear(32,1))
    def forward(s,x,c): return s.m(torch.cat([x,s.e(c).flatten(1)],1))[:,0]
net=M(); opt=torch.optim.SGD(net.parameters(),lr=0.004,momentum=0.9)
w=SummaryWriter('run'); k=0
for ep in range(9):
    acc=0
    for i in range(0,N,B):
        o=net(X[i:i+B],C[i:i+B]); l=nn.functional.mse_loss(o,Y[i:i+B])
        opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(net.parameters(),float('inf')); opt.step()
        acc+=(o-Y[i:i+B]).abs().mean().item()
        w.add_scalar('Loss/train',l.item(),k); w.add_scalar('grad_norm',g.item(),k); k+=1
    w.add_scalar('MAE/train',acc/220,k-1)
w.close()
