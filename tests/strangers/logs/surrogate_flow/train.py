# surrogate for a smooth simulator (8 params -> 16 outputs); job was killed by the queue and restarted from the last checkpoint
import torch, torch.nn as nn, time, math, os
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1); torch.manual_seed(0)
A=torch.randn(8,16)*.6; Bm=torch.randn(8,16)*.5
def sim(x): return torch.sin(x@A)*torch.cos(x@Bm)
def net(): 
    L=[nn.Linear(8,192),nn.ReLU()]
    for _ in range(6): L+=[nn.Linear(192,192),nn.ReLU()]
    return nn.Sequential(*L,nn.Linear(192,16))
TOT,CUT=3000,1800; LR=float(os.environ.get('LR',6e-3))
def run(m,a,b):
    opt=torch.optim.Adam(m.parameters(),lr=LR); w=SummaryWriter('run')
    for k in range(a,b):
        lr=LR*min(1,(k+1)/200)*(1-.9*k/TOT)
        for q in opt.param_groups: q['lr']=lr
        x=torch.rand(128,8)*2-1; l=((m(x)-sim(x))**2).mean(); opt.zero_grad(); l.backward()
        g=torch.nn.utils.get_total_norm([p.grad for p in m.parameters()]); opt.step()
        if k%5==0: w.add_scalar('loss',l.item(),k); w.add_scalar('learning_rate',lr,k); w.add_scalar('gnorm',float(g),k)
    w.close(); torch.save(m.state_dict(),'../.ck.pt')
m=net(); run(m,0,CUT); time.sleep(1.2)
m=net(); m.load_state_dict(torch.load('../.ck.pt')); run(m,CUT,1960)
