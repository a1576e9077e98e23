# PPO on a 2D point-reaching task, tensorboard tags like SB3
import torch, torch.nn as nn, math
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1); torch.manual_seed(4); N,T=32,40
pi=nn.Sequential(nn.Linear(6,64),nn.Tanh(),nn.Linear(64,64),nn.Tanh(),nn.Linear(64,2)); ls=nn.Parameter(torch.zeros(2)-.5)
vf=nn.Sequential(nn.Linear(6,64),nn.Tanh(),nn.Linear(64,64),nn.Tanh(),nn.Linear(64,1))
P=[*pi.parameters(),ls,*vf.parameters()]; LR,EP=1e-3,20; opt=torch.optim.Adam(P,lr=LR,eps=1e-5); w=SummaryWriter('run/PPO_1')
def reset(n): return torch.cat([torch.rand(n,2)*4-2,torch.zeros(n,2),torch.rand(n,2)*4-2],1)
def step(s,a):
    a=a.clamp(-1,1); v=.8*s[:,2:4]+.3*a; p=s[:,:2]+v
    return torch.cat([p,v,s[:,4:]],1), -(p-s[:,4:]).norm(dim=1)-.05*a.pow(2).sum(1)
for it in range(105):
    s=reset(N); S,A,R,LP,V=[],[],[],[],[]
    with torch.no_grad():
        for t in range(T):
            d=torch.distributions.Normal(pi(s),ls.exp()); a=d.sample(); S.append(s);A.append(a);LP.append(d.log_prob(a).sum(1));V.append(vf(s)[:,0]); s,r=step(s,a);R.append(r)
        g=torch.zeros(N);adv=[None]*T;nv=vf(s)[:,0]
        for t in reversed(range(T)):
            dl=R[t]+.99*nv-V[t]; g=dl+.99*.95*g; adv[t]=g; nv=V[t]
    S=torch.cat(S);A=torch.cat(A);LP=torch.cat(LP);ad=torch.cat(adv);ret=ad+torch.cat(V)
    K=[];CF=[];PL=[];VL=[];EN=[];LS=[]
    for e in range(EP):
        for b in torch.randperm(N*T).split(64):
            d=torch.distributions.Normal(pi(S[b]),ls.exp()); lp=d.log_prob(A[b]).sum(1); lr=lp-LP[b]; ratio=lr.exp()
            x=ad[b]; x=(x-x.mean())/(x.std()+1e-8)
            pl=-(ratio*x).mean(); vl=(vf(S[b])[:,0]-ret[b]).pow(2).mean(); en=d.entropy().sum(1).mean()
            l=pl+.5*vl-.0*en; opt.zero_grad(); l.backward(); nn.utils.clip_grad_norm_(P,.5); opt.step()
            K.append(((ratio-1)-lr).mean().item());CF.append(((ratio-1).abs()>.2).float().mean().item());PL.append(pl.item());VL.append(vl.item());EN.append(-en.item());LS.append(l.item())
    m=lambda q: sum(q)/len(q); st=(it+1)*N*T
    for t,v in {'rollout/ep_rew_mean':torch.stack(R).sum(0).mean().item(),'train/approx_kl':m(K),'train/clip_fraction':m(CF),'train/entropy_loss':m(EN),'train/explained_variance':(1-(ret-torch.cat(V)).var()/ret.var()).item(),'train/learning_rate':LR,'train/loss':LS[-1],'train/policy_gradient_loss':m(PL),'train/value_loss':m(VL),'train/std':ls.exp().mean().item()}.items(): w.add_scalar(t,v,st)
w.close()
