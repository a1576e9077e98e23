import torch,torch.nn as nn
from torch.utils.tensorboard import SummaryWriter
import math
torch.manual_seed(0);w=SummaryWriter('run')
pi=nn.Sequential(nn.Linear(4,32),nn.Tanh(),nn.Linear(32,2));v=nn.Sequential(nn.Linear(4,32),nn.Tanh(),nn.Linear(32,1))
opt=torch.optim.Adam([*pi.parameters(),*v.parameters()],3e-3);B=16
def rollout(T=120):
    s=(torch.rand(B,4)-.5)*.1;al=torch.ones(B,dtype=torch.bool);O,A,M=[],[],[]
    for t in range(T):
        with torch.no_grad():a=torch.distributions.Categorical(logits=pi(s)).sample()
        O.append(s);A.append(a);M.append(al.float())
        x,xd,th,td=s.unbind(1);F=(a*2-1)*10.;c,sn=th.cos(),th.sin();tmp=(F+.05*td**2*sn)/1.1;ta=(9.8*sn-c*tmp)/(.5*(4/3-.1*c**2/1.1));xa=tmp-.05*ta*c/1.1
        s=torch.stack([x+.02*xd,xd+.02*xa,th+.02*td,td+.02*ta],1);al=al&(s[:,0].abs()<2.4)&(s[:,2].abs()<.209)
        if not al.any():break
    return torch.stack(O),torch.stack(A),torch.stack(M)
for it in range(220):
    O,A,M=rollout();T=len(O);R=torch.zeros_like(M);r=torch.zeros(B)
    for t in reversed(range(T)):r=M[t]+.98*r*M[t];R[t]=r
    d=torch.distributions.Categorical(logits=pi(O));V=v(O).squeeze(-1);adv=(R-V).detach();n=M.sum()
    pl=-(d.log_prob(A)*adv*M).sum()/n;vl=((V-R)**2*M).sum()/n;e=(d.entropy()*M).sum()/n
    l=pl+.5*vl-.01*e;opt.zero_grad();l.backward();gn=nn.utils.clip_grad_norm_([*pi.parameters(),*v.parameters()],5.);opt.step()
    for k,x in dict(episode_return=M.sum(0).mean().item(),policy_loss=pl.item(),value_loss=vl.item(),entropy=e.item(),grad_norm=gn.item()).items():w.add_scalar(('rollout/' if k=='episode_return' else 'train/')+k,x,it)
w.close()
