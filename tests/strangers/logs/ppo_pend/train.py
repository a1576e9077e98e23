# PPO-like on a vectorised 1-d double-integrator; surrogate without clipping, 40 epochs on each rollout
import os,sys,csv,torch,torch.nn as nn
torch.set_num_threads(1);torch.manual_seed(2);FIX=os.environ.get("FIX");NE,T=32,32
pi=nn.Sequential(nn.Linear(2,32),nn.Tanh(),nn.Linear(32,1));vf=nn.Sequential(nn.Linear(2,32),nn.Tanh(),nn.Linear(32,1));ls=nn.Parameter(torch.zeros(1)-.3)
P=[*pi.parameters(),*vf.parameters(),ls];opt=torch.optim.Adam(P,lr=1e-2)
w=csv.writer(open(sys.argv[1]+"/progress.csv","w"));w.writerow("rollout/ep_rew_mean,train/approx_kl,train/clip_fraction,train/entropy_loss,train/loss,train/policy_gradient_loss,train/value_loss,train/std,time/total_timesteps,time/iterations".split(","))
for it in range(45):
    s=torch.randn(NE,2);S,A,R,L=[],[],[],[]
    with torch.no_grad():
        for t in range(T):
            d=torch.distributions.Normal(pi(s),ls.exp());a=d.sample();S.append(s);A.append(a);L.append(d.log_prob(a)[:,0]);f=a.clamp(-2,2)[:,0]
            R.append(-(s[:,0]**2+.1*s[:,1]**2+.01*f**2));v=(s[:,1]+.2*f).clamp(-4,4);s=torch.stack([(s[:,0]+.2*v).clamp(-5,5),v],1)
        S,A,L,R=torch.stack(S),torch.stack(A),torch.stack(L),torch.stack(R);G=torch.zeros(T,NE);g=vf(s)[:,0]
        for t in reversed(range(T)):g=R[t]*.1+.95*g;G[t]=g
        adv=G-vf(S)[...,0];adv=(adv-adv.mean())/(adv.std()+1e-8)
    S,A,L,G,adv=S.flatten(0,1),A.flatten(0,1),L.flatten(),G.flatten(),adv.flatten();stop=False
    for ep in range(40):
        if stop:break
        for j in torch.randperm(NE*T).view(4,-1):
            d=torch.distributions.Normal(pi(S[j]),ls.exp());lp=d.log_prob(A[j])[:,0];r=(lp-L[j]).exp()
            pg=-(torch.min(r*adv[j],r.clamp(.8,1.2)*adv[j])).mean() if FIX else -(r*adv[j]).mean()
            vl=((vf(S[j])[:,0]-G[j])**2).mean();ent=-d.entropy().mean();loss=pg+.5*vl+.001*ent
            kl=((r-1)-(lp-L[j])).mean().item();cf=((r-1).abs()>.2).float().mean().item()
            if FIX and kl>.03:stop=True;break
            opt.zero_grad();loss.backward();opt.step()
    w.writerow([(R.sum(0).mean()).item(),kl,cf,ent.item(),loss.item(),pg.item(),vl.item(),ls.exp().item(),(it+1)*NE*T,it+1])
print("VERIFY last",R.sum(0).mean().item(),loss.item(),kl)
