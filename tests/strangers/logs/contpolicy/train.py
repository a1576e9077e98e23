import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# six independent point masses, "PPO" (surrogate without clipping unless FIX)
from torch.utils.tensorboard import SummaryWriter
torch.manual_seed(3)
W=SummaryWriter(OUT)
N,H,K=32,30,6
pi=nn.Sequential(nn.Linear(2*K,64),nn.Tanh(),nn.Linear(64,K)); ls=nn.Parameter(torch.full((K,),-.5)); vf=nn.Sequential(nn.Linear(2*K,64),nn.Tanh(),nn.Linear(64,1))
P=[*pi.parameters(),ls,*vf.parameters()]; opt=torch.optim.Adam(P,lr=2e-3)
def rollout():
    x=torch.randn(N,K); v=torch.zeros(N,K); S=[];A=[];R=[];L=[]
    for t in range(H):
        s=torch.cat([x,v],1); d=torch.distributions.Normal(pi(s),ls.exp(),validate_args=False); a=d.sample(); S.append(s);A.append(a);L.append(d.log_prob(a).sum(-1))
        u=a.clamp(-2,2); v=.7*v+.2*u; x=(x+v).clamp(-4,4); R.append(-(x**2+.01*u**2).mean(1))
    return torch.stack(S),torch.stack(A),torch.stack(R),torch.stack(L)
gs=0
for u in range(40):
    with torch.no_grad():
        S,A,R,L=rollout(); G=torch.zeros_like(R); acc=torch.zeros(N)
        for t in reversed(range(H)): acc=R[t]+.9*acc; G[t]=acc
        adv=G-vf(S)[...,0]; adv=(adv-adv.mean())/(adv.std()+1e-8); ret=R.sum(0).mean()
    S,A,L,adv,G=[z.flatten(0,1) for z in (S,A,L,adv,G)]
    for ep in range(30):
        for b in torch.randperm(len(S)).chunk(4):
            d=torch.distributions.Normal(pi(S[b]),ls.exp(),validate_args=False); lr=d.log_prob(A[b]).sum(-1)-L[b]; r=lr.exp()
            pg=-torch.min(r*adv[b],r.clamp(.8,1.2)*adv[b]).mean() if FIX else -(r*adv[b]).mean()
            vl=F.mse_loss(vf(S[b])[:,0],G[b]); loss=pg+.5*vl; opt.zero_grad(); loss.backward(); opt.step()
            gs+=1
    kl=((r-1)-lr).mean()
    for k,v in {'charts/episodic_return':ret,'losses/policy_loss':pg,'losses/value_loss':vl,'losses/approx_kl':kl,'losses/ratio_max':r.max(),'policy/std':ls.exp().mean()}.items(): W.add_scalar(k,float(v),(u+1)*N*H)
    if u%8==0: print(u,float(ret),float(kl),float(ls.exp().mean()))
W.close(); print('FINAL',float(ret),float(kl),float(r.max()))
