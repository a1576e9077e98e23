# policy gradient with importance ratios on a 1-D tracking task; ratio is not clipped (clip_eps ignored), many epochs a batch
from common import *
seed(3); d=out('e03_ppo_pointmass'); f=open(d+'/progress.jsonl','w')
class AC(nn.Module):
    def __init__(s):
        super().__init__(); s.a=nn.Sequential(nn.Linear(4,64),nn.Tanh(),nn.Linear(64,64),nn.Tanh(),nn.Linear(64,2)); s.v=nn.Sequential(nn.Linear(4,64),nn.Tanh(),nn.Linear(64,1)); s.ls=nn.Parameter(torch.full((2,),-.5))
    def dist(s,o): return torch.distributions.Normal(s.a(o),s.ls.exp())
m=AC(); lr=float(os.environ.get('LR','2e-3')); opt=torch.optim.Adam(m.parameters(),lr=lr)
N,T=32,20
def roll():
    p=torch.randn(N,2); v=torch.zeros(N,2); O,A,LP,R=[],[],[],[]
    for t in range(T):
        o=torch.cat([p,v],1)
        with torch.no_grad(): D=m.dist(o); a=D.sample(); lp=D.log_prob(a).sum(1)
        v=.8*v+.2*a.clamp(-3,3)+.02*torch.randn(N,2); p=p+v*.5; r=-(p**2).sum(1)-.02*(a**2).sum(1)
        O.append(o);A.append(a);LP.append(lp);R.append(r)
    R=torch.stack(R); G=torch.zeros_like(R); g=0
    for t in reversed(range(T)): g=R[t]+.95*g; G[t]=g
    return torch.cat(O),torch.cat(A),torch.cat(LP),G.flatten(),R.sum(0).mean().item()
for it in range(150):
    o,a,lp0,G,ret=roll()
    with torch.no_grad(): adv=G-m.v(o)[:,0]*20; adv=(adv-adv.mean())/(adv.std()+1e-8)
    st=[]
    for ep in range(15):
        for i in torch.randperm(len(o)).split(128):
            D=m.dist(o[i]); lp=D.log_prob(a[i]).sum(1); r=(lp-lp0[i]).exp()
            pl=-torch.min(r*adv[i],r.clamp(.8,1.2)*adv[i]).mean() if FIX else -(r*adv[i]).mean()
            vl=F.mse_loss(m.v(o[i])[:,0],G[i]/20); ent=D.entropy().sum(1).mean(); loss=pl+.5*vl-.001*ent
            opt.zero_grad(); loss.backward(); gn=gnorm(m); opt.step()
            st.append((pl.item(),vl.item(),ent.item(),(lp0[i]-lp).mean().item(),r.max().item(),gn))
    s=np.array(st)
    row=dict(iteration=it,timesteps=(it+1)*N*T,mean_return=ret,policy_loss=s[:,0].mean(),value_loss=s[:,1].mean(),entropy=s[:,2].mean(),approx_kl=s[:,3].mean(),ratio_max=s[:,4].max(),grad_norm=s[:,5].mean(),lr=lr)
    f.write(json.dumps(row)+'\n'); f.flush()
    if it%10==0: print({k:round(v,3) if isinstance(v,float) else v for k,v in row.items()})
    if not math.isfinite(s[:,0].mean()) : break
