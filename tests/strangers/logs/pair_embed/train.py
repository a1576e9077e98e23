# metric learning with pairs
import torch, json, os
from torch import nn
torch.set_num_threads(1); torch.manual_seed(21); os.makedirs('run',exist_ok=True)
C=torch.randn(60,32)
net=nn.Sequential(nn.Linear(32,128),nn.ReLU(),nn.Linear(128,64)); opt=torch.optim.Adam(net.parameters(),5e-4)
f=open('run/metrics.jsonl','w'); said=0
for s in range(1,2601):
    k=torch.randint(0,60,(64,)); a=C[k]+0.6*torch.randn(64,32)
    same=torch.rand(64)<0.5; j=torch.where(same,k,torch.randint(0,60,(64,))); b=C[j]+0.6*torch.randn(64,32)
    dup=(torch.rand(64)<3e-5)&same; b[dup]=a[dup]                  # an item can be drawn as its own positive
    d=(net(a)-net(b)).pow(2).sum(1).sqrt(); y=(k==j).float()
    l=(y*d.pow(2)+(1-y)*(4-d).clamp(min=0).pow(2)).mean()
    opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(net.parameters(),5.0); 
    if not said and not torch.isfinite(g): said=1; print('first',s,l.item(),g.item(),d.min().item(),dup.sum().item())
    opt.step(); f.write(json.dumps({'step':s,'loss':l.item(),'grad_norm':g.item(),'pos_dist':d[y>0].mean().item()})+'\n')
