# trip duration (minutes) from 24 features
import torch, os
from torch import nn
torch.set_num_threads(1); torch.manual_seed(11); os.makedirs('run',exist_ok=True)
N=128*1800; X=torch.randn(N,24); A=torch.randn(24,16)
Y=18+6*torch.tanh(X@A*0.25).sum(1)+torch.randn(N)*2.5
Y[128*1307+44]=27418.0       # a trip never closed: 19 days
net=nn.Sequential(nn.Linear(24,128),nn.ReLU(),nn.Linear(128,64),nn.ReLU(),nn.Linear(64,1))
opt=torch.optim.SGD(net.parameters(),lr=1.5e-3,momentum=0.9)
log=open('run/train.log','w'); print('parameters: %d'%sum(p.numel() for p in net.parameters()),file=log)
for s in range(1800):
    x,y=X[s*128:s*128+128],Y[s*128:s*128+128]
    l=nn.functional.mse_loss(net(x)[:,0],y); opt.zero_grad(); l.backward()
    g=torch.nn.utils.clip_grad_norm_(net.parameters(),float('inf')); opt.step()
    print(f'step {s} | loss {l.item():.4f} | gnorm {g.item():.3f}',file=log)
