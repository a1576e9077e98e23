# REINFORCE with baseline on own cart-pole
from common import *
seed(103); d=out('k03_cartpole_reinforce'); f=open(d+'/log.jsonl','w')
pi=nn.Sequential(nn.Linear(4,32),nn.Tanh(),nn.Linear(32,2)); V=nn.Sequential(nn.Linear(4,32),nn.Tanh(),nn.Linear(32,1)); P=list(pi.parameters())+list(V.parameters())
opt=torch.optim.Adam(P,lr=1e-2); N=8
def step(x,u):
    p,v,t,w=x.T; F_=20.*u-10; c,s=t.cos(),t.sin(); tmp=(F_+.05*w*w*s)/1.1; ta=(9.8*s-c*tmp)/(.5*(4/3-.1*c*c/1.1)); xa=tmp-.05*ta*c/1.1
    return torch.stack([p+.02*v,v+.02*xa,t+.02*w,w+.02*ta],1)
for it in range(220):
    x=(torch.rand(N,4)-.5)*.1; al=torch.ones(N); O,A,M=[],[],[]
    for t in range(200):
        with torch.no_grad(): u=torch.distributions.Categorical(logits=pi(x)).sample()
        O.append(x);A.append(u);M.append(al); x=step(x,u.float()); al=al*((x[:,0].abs()<2.4)&(x[:,2].abs()<.21)).float()
        if al.sum()==0: break
    R=torch.stack(M); G=torch.zeros_like(R); g=0
    for t in reversed(range(len(R))): g=R[t]+.98*g; G[t]=g
    o=torch.stack(O); a=torch.stack(A); v=V(o)[...,0]*30; adv=(G-v).detach(); n=R.sum()
    D=torch.distributions.Categorical(logits=pi(o)); pl=-(D.log_prob(a)*adv*R).sum()/n; vl=(((G-v)**2)*R).sum()/n; ent=(D.entropy()*R).sum()/n; l=pl/10+.005*vl-.005*ent
    opt.zero_grad(); l.backward(); gn=gnorm(P); opt.step()
    f.write(json.dumps(dict(iter=it,env_steps=int(n),episode_return=R.sum(0).mean().item(),policy_loss=pl.item(),value_loss=vl.item(),entropy=ent.item(),grad_norm=gn))+'\n')
    if it%15==0 or it==219: print(it,R.sum(0).mean().item(),pl.item(),vl.item(),ent.item(),gn)
