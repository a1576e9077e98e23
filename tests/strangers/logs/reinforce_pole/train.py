# REINFORCE on a cart-pole clone
import torch, torch.nn as nn, math, os
torch.set_num_threads(1); torch.manual_seed(3); os.makedirs('run', exist_ok=True)
pi=nn.Sequential(nn.Linear(4,32),nn.Tanh(),nn.Linear(32,2)); opt=torch.optim.Adam(pi.parameters(),lr=5e-3); f=open('run/stdout.log','w'); avg=None
def ep():
    s=[(torch.rand(1).item()-.5)*.1 for _ in range(4)]; lp=[];en=[]
    for t in range(200):
        d=torch.distributions.Categorical(logits=pi(torch.tensor(s))); a=d.sample(); lp.append(d.log_prob(a)); en.append(d.entropy()); F=10. if a.item() else -10.
        x,v,th,om=s; c,sn=math.cos(th),math.sin(th); q=(F+.05*om*om*sn)/1.1; al=(9.8*sn-c*q)/(.5*(4/3-.1*c*c/1.1)); ac=q-.05*al*c/1.1
        s=[x+.02*v,v+.02*ac,th+.02*om,om+.02*al]
        if abs(s[0])>2.4 or abs(s[2])>.21: break
    return torch.stack(lp),torch.stack(en).mean().item()
for e in range(260):
    lp,en=ep(); n=len(lp); G=[];r=0
    for _ in range(n): r=1+.98*r; G.append(r)
    G=torch.tensor(G[::-1]); A=(G-G.mean())/(G.std()+1e-6); l=-(lp*A).sum(); opt.zero_grad(); l.backward(); opt.step(); avg=n if avg is None else .95*avg+.05*n
    print(f'episode {e:4d} | reward {n:5.1f} | running reward {avg:6.2f} | policy loss {l.item():8.3f} | entropy {en:.3f}',file=f)
