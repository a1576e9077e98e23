# fit u''=-u on an interval (physics-informed), full batch
import torch, json, os
from torch import nn
torch.set_num_threads(1); torch.manual_seed(45); os.makedirs('run',exist_ok=True)
x=torch.linspace(0,3.14159,48)[:,None].requires_grad_(); net=nn.Sequential(nn.Linear(1,32),nn.Tanh(),nn.Linear(32,32),nn.Tanh(),nn.Linear(32,1))
opt=torch.optim.Adam(net.parameters(),3e-3); f=open('run/log.jsonl','w')
for s in range(1,5001):
    u=net(x); d=torch.autograd.grad(u.sum(),x,create_graph=True)[0]; dd=torch.autograd.grad(d.sum(),x,create_graph=True)[0]
    lp=(dd+u).pow(2).mean(); lb=u[0,0]**2+(d[0,0]-1)**2; l=lp+lb; opt.zero_grad(); l.backward(); opt.step()
    if s%2==0: f.write(json.dumps(dict(iter=s,loss=l.item(),loss_pde=lp.item(),loss_bc=lb.item()))+'\n')
