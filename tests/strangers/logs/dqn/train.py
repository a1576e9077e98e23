import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# DQN on a 6x6 grid with a pit, target network
torch.manual_seed(0); random.seed(0); S=6
def enc(p): v=torch.zeros(S*S); v[p[0]*S+p[1]]=1; return v
def step(p,a):
    d=[(0,1),(0,-1),(1,0),(-1,0)][a]; q=(min(S-1,max(0,p[0]+d[0])),min(S-1,max(0,p[1]+d[1])))
    if q==(S-1,S-1): return q,10.,True
    if q in((2,2),(3,4)): return q,-5.,True
    return q,-.1,False
mk=lambda: nn.Sequential(nn.Linear(S*S,64),nn.ReLU(),nn.Linear(64,4)); Q,T=mk(),mk(); T.load_state_dict(Q.state_dict()); opt=torch.optim.Adam(Q.parameters(),1e-3); buf=[]; o=open(OUT+'/dqn.log','w'); n=0; rets=[]; Ls=[]
p=(0,0); R=0; t=0; up=0
for n in range(1,12001):
    eps=max(.05,1-n/6000)
    with torch.no_grad(): a=random.randrange(4) if random.random()<eps else int(Q(enc(p)).argmax())
    q,r,d=step(p,a); buf.append((enc(p),a,r,enc(q),d)); buf=buf[-5000:]; p=q; R+=r; t+=1
    if d or t>=40: rets.append(R); p=(0,0); R=0; t=0
    if n>200 and n%2==0:
        B=random.sample(buf,32); s=torch.stack([b[0] for b in B]); A=torch.tensor([b[1] for b in B]); rr=torch.tensor([b[2] for b in B]); s2=torch.stack([b[3] for b in B]); dd=torch.tensor([float(b[4]) for b in B])
        with torch.no_grad(): y=rr+.98*(1-dd)*T(s2).max(1)[0]
        qv=Q(s).gather(1,A[:,None])[:,0]; l=F.mse_loss(qv,y); opt.zero_grad(); l.backward(); opt.step(); Ls.append((l.item(),qv.mean().item())); up+=1
        if up%100==0: T.load_state_dict(Q.state_dict())
        if up%20==0: o.write(f'step: {n} | episodes: {len(rets)} | td_loss: {np.mean([a for a,_ in Ls[-20:]]):.5f} | q_mean: {Ls[-1][1]:.4f} | return: {np.mean(rets[-20:]):.3f} | epsilon: {eps:.3f}\n')
print('FINAL',np.mean(rets[:50]),np.mean(rets[-50:]),np.mean([a for a,_ in Ls[:100]]),np.mean([a for a,_ in Ls[-100:]]))
